// The host's own keys: [run], [audit], [evaluate], [report], and those of [[task]] and [[stage]]
// beside the part's. Declared like the options of a part: reading, key, describe and completion all
// come from the declaration.
#pragma once

#include "pipeline/audit.hpp"
#include "pipeline/pipeline.hpp"
#include "pipeline/row_share.hpp"
#include "support/statistics/corrections.hpp"
#include "tsrec/parts/observer.hpp"
#include "tsrec/prompt.hpp"

namespace tsrec::host {

RunSettings read_run_settings(const Document& document);
// Lines of a key, one for each setting that decides results.
std::string key_lines(const RunSettings& run);

struct EvaluateSettings {
  void declare(Options& options);

  std::string task = "next_item", split = "test", scoring = "full", search = "beam";
  std::string constraint = "trie";
  int64_t beams = 20, limit = 0, bootstrap = 1000;
  bool repeats = true, score_suffix = true, every_stage = true, untrained = false;
  std::vector<BoundOption> options;  // as bound
};

// [audit]: which findings end a run before anything is trained.
struct AuditSettings {
  void declare(Options& options);

  std::vector<std::string> fail_on = always_wrong();
};

// How the report tests differences. It changes no stage: none of it is in a key.
struct ReportSettings {
  void declare(Options& options);

  std::string correction = "holm";
  double equivalence = 0;  // the margin; 0: equivalence is not tested
  Correction how_corrected() const { return correction_named(correction); }
};

struct TaskEntry {
  void declare(Options& options);

  PartChoice part;
  double weight = 1, repeat = 1;
};

struct StageEntry {
  void declare(Options& options);

  PartChoice trainer;
  std::string from;  // the stage before it, by name; kUntrained: the extended backbone
  std::vector<std::string> tasks;  // names; empty: all
  std::string rows = "all";
  std::vector<std::string> validate_with = {"next_item"};
  Every validate_every = Every::percent(10);
  std::string select = "auto", watch = "auto", on_alarm = "warn";
  int64_t patience = 0, checkpoint_every = 0, curve_rows = -1;
  PartList<Observer> observers;

  // Whether the trainer learns from the model's own answers.
  bool is_rl() const;
  bool starts_trained() const;
  // What `curve_rows`, `select` and `rows` stand for here.
  int64_t ranked_rows() const;
  bool must_rank() const;  // the experiment says so, not a default
  std::string selection() const;
  RowShare row_share() const;
};

// What `from` and `--of` call the model that no stage has trained yet.
inline constexpr const char* kUntrained = "untrained";

// Whether the list names it; an empty list stands for all names.
bool is_among(const std::string& name, const std::vector<std::string>& names);

std::vector<TaskEntry> read_tasks(const Document& document, Registry& registry);
std::vector<StageEntry> read_stages(const Document& document, Registry& registry,
                                    const std::vector<TaskEntry>& tasks);
// A table such as [quantizer]; empty when it is not there, or not enabled.
std::optional<PartChoice> read_part(std::string_view kind, const Document& document,
                                    Registry& registry);
// A list of parts such as [[recommender]] or [evaluate] metric, without those not enabled.
std::vector<PartChoice> read_parts(const Node* list, std::string_view kind,
                                   const Document& document, Registry& registry);
// [[tracker]], which always begins with use = "jsonl": an entry of that name changes it, or
// switches it off.
std::vector<PartChoice> read_trackers(const Document& document, Registry& registry);
TSREC_HOST_API EvaluateSettings read_evaluate_settings(const Document& document);
AuditSettings read_audit_settings(const Document& document);
ReportSettings read_report_settings(const Document& document);
PromptWording read_wording(const Document& document);
// All of [prompt], a line of a key for each text.
TSREC_HOST_API std::string key_lines(const PromptWording& wording);

}  // namespace tsrec::host
