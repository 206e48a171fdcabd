// An experiment as a list of stages that talk only through stored artefacts.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/compare.hpp"
#include "plugin/registry.hpp"
#include "support/api.hpp"
#include "tsrec/artifact.hpp"
#include "tsrec/context.hpp"

namespace tsrec::host {

class StageRun;

// name: "load", "quantize", "stage.sft", "evaluate.sft". inputs: earlier stages whose artefacts it
// reads. key_lines: whatever else decides the result ("split = test", the resolved prompt wording),
// one canonical line each.
struct Stage {
  std::string name;
  std::vector<std::string> inputs;
  std::vector<PartChoice> parts;
  std::vector<std::string> key_lines;
  std::function<void(StageRun&)> run;
  bool resumable = false;  // driven by train_loop: checkpoints in the work folder
  std::optional<int64_t> seed = std::nullopt;  // else the run's
};

// What a running stage sees.
class TSREC_HOST_API StageRun {
 public:
  virtual ~StageRun();
  virtual const Stage& stage() const = 0;
  virtual const std::filesystem::path& input(
      const std::string& stage) const = 0;  // committed, read-only folder
  virtual ArtifactWriter& out() = 0;        // becomes the artefact
  virtual Context& context() = 0;
  virtual const std::filesystem::path& work()
      const = 0;  // survives an interruption: checkpoints, curves
};

// [run]: the host's own settings.
struct TSREC_HOST_API RunSettings {
  void declare(Options& options);

  std::string name;
  int64_t seed = 17;
  std::string device = "auto", precision = "auto";
  int64_t threads = 0;             // 0: all cores
  double time_budget_minutes = 0;  // 0: none
  torch::Device torch_device = torch::kCPU;
  torch::ScalarType torch_precision = torch::kFloat32;
};

struct StageResult {
  std::string name, key, key_text,
      digest;  // digest: of the artefact's content; enters the keys below
  std::filesystem::path folder;
  enum class State { stored, ran, failed, not_run } state = State::not_run;
  std::string why;  // why it ran: "options.codes: 256 -> 128", "not stored"
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
};
TSREC_HOST_API Experiment make_experiment(const Document& document, Registry& registry);

}  // namespace tsrec::host
