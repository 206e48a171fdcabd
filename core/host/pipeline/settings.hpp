// The host's own keys: [run], [evaluate], and those of [[task]] and [[stage]] that are not the
// part's.
#pragma once

#include "pipeline/pipeline.hpp"
#include "tsrec/prompt.hpp"

namespace tsrec::host {

RunSettings read_run_settings(const Document& document);

struct EvaluateSettings {
  void declare(Options& options);

  std::string task = "next_item", split = "test", scoring = "full", search = "beam";
  int64_t beams = 20, limit = 0, bootstrap = 1000;
  bool score_suffix = true, every_stage = true, untrained = false;
  std::vector<std::string> key_lines() const;
};
EvaluateSettings read_evaluate_settings(const Document& document);
const std::vector<std::string>& evaluate_keys();

struct TaskEntry {
  PartChoice part;
  double weight = 1, repeat = 1;
};
struct StageEntry {
  PartChoice trainer;
  std::vector<std::string> tasks;  // names; empty: all
  std::vector<std::string> validate_with = {"next_item"};
  std::string validate_every = "10%", select = "best";
  int64_t patience = 0, checkpoint_every = 0, curve_rows = 0;
  std::vector<PartChoice> rewards;
  std::vector<double> reward_weights;
  int64_t validation_interval(int64_t num_steps) const;  // "5%" or a number of steps
};

// Whether the list names it; an empty list stands for all names.
bool is_among(const std::string& name, const std::vector<std::string>& names);

std::vector<TaskEntry> read_tasks(const Document& document, Registry& registry);
std::vector<StageEntry> read_stages(const Document& document, Registry& registry,
                                    const std::vector<TaskEntry>& tasks);
// A list of parts such as [[recommender]] or [evaluate] metric, without the disabled ones.
std::vector<PartChoice> read_parts(const Node* list, std::string_view kind,
                                   const Document& document, Registry& registry);
PromptWording read_wording(const Document& document);
// All of [prompt] as one line for the keys.
std::string wording_text(const PromptWording& wording);

}  // namespace tsrec::host
