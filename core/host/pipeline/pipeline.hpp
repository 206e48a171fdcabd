// An experiment as a list of stages that talk only through stored artefacts.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/compare.hpp"
#include "pipeline/tune.hpp"
#include "plugin/registry.hpp"
#include "support/api.hpp"
#include "tsrec/artifact.hpp"
#include "tsrec/context.hpp"
#include "tsrec/product.hpp"

namespace tsrec::host {

class StageRun;
class Listener;

// What a stage is, and of what where an experiment has several.
struct TSREC_HOST_API StageId {
  enum class Role {
    load,
    embed,
    quantize,
    resolve,
    extract,
    audit,
    recommender,
    rank_recommender,
    backbone,
    extend,
    train,
    rank_model,
    validate
  } role = Role::load;
  std::string of = {};  // recommender, train, rank_..., validate: the name of the entry
  // "load", "stage.sft", "evaluate.sft": in keys, in the names of random streams, in the store and
  // on the screen. No two stages of an experiment have one text.
  std::string text() const;
  bool operator==(const StageId&) const = default;
};

// inputs: earlier stages whose artefacts it reads. key_lines: whatever else decides the result, one
// line "name = value" each.
struct Stage {
  StageId id;
  std::vector<StageId> inputs = {};
  std::vector<PartChoice> parts = {};
  std::string key_lines = {};
  std::function<void(StageRun&)> run = {};
  std::optional<int64_t> seed = std::nullopt;  // else the run's
  // Looks at what the stage made, now or before, as soon as a stage behind it has to be made, and
  // throws what is wrong with it for the stages to come.
  std::function<void(const std::filesystem::path& product)> look = {};
  // It looks also where nothing behind it has to be made: its product is small.
  bool looks_always = false;
};

// What a running stage sees.
class TSREC_HOST_API StageRun {
 public:
  virtual ~StageRun();
  virtual const Stage& stage() const = 0;
  virtual const std::filesystem::path& input(
      const StageId& stage) const = 0;  // committed, read-only folder
  virtual ArtifactWriter& out() = 0;    // becomes the artefact
  virtual Context& context() = 0;
  virtual const std::filesystem::path& work()
      const = 0;  // survives an interruption: checkpoints, curves
  // Bytes of the curve file so far, and the way back to them: a resumed stage drops the rows beyond
  // its checkpoint.
  virtual int64_t curve_bytes() = 0;
  virtual void truncate_curve(int64_t bytes) = 0;
  // It hears what the stage says until it is removed.
  virtual void add_listener(Listener& listener) = 0;
  virtual void remove_listener(Listener& listener) = 0;
  virtual double checkpoint_seconds() const = 0;  // [run] checkpoint_seconds
};

// [run]: the host's own settings.
struct TSREC_HOST_API RunSettings {
  void declare(Options& options);

  std::string name;
  int64_t seed = 17;
  std::string device = "auto", precision = "auto", products = "auto";
  int64_t threads = 0;             // 0: all cores
  double time_budget_minutes = 0;  // 0: none
  double checkpoint_seconds = 60;  // 0: after every step
  torch::Device torch_device = torch::kCPU;
  torch::ScalarType torch_precision = torch::kFloat32;
  ProductLibrary product_library = ProductLibrary::mkl;
};

struct StageResult {
  StageId id;
  std::string key, key_text, digest;  // digest: of the artefact's content; enters the keys below
  std::filesystem::path folder;
  enum class State { stored, ran, failed, not_run } state = State::not_run;
  std::string why;  // why it ran: "options.codes: 256 -> 128", "not stored"; or why it failed
  bool is_bad_config = false;            // it failed because the experiment is wrong
  std::optional<StageId> changed_input;  // it has no key, because this input is not there
  double seconds = 0;
  double roof = 0;  // FLOP/s that the machine could do right after it; 0: not measured
  std::map<std::string, int64_t> counters;
};

struct Parts;  // parts.hpp

// The stage list of one document: the method on one screen (stages.cpp).
struct Experiment {
  RunSettings run;
  std::vector<Stage> stages;
  std::string resolved_toml;
  std::shared_ptr<const Parts> parts;
  CompareSettings compare;
  TuneSettings tune;
  // Ranks validation rows with each model that [tune] names; no stages of a run (trial.hpp).
  std::vector<Stage> validations;
};
TSREC_HOST_API Experiment make_experiment(const Document& document, Registry& registry);

}  // namespace tsrec::host
