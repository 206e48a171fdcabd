// The audit's rules about prompts: what a model reads must not hold what it is to answer.
#pragma once

#include <memory>

#include "pipeline/audit.hpp"
#include "tsrec/parts/task.hpp"

namespace tsrec::host {

struct AuditedTask {
  std::string name;
  // Prepared with what trainings are given, which has no test rows, and with all of them.
  std::shared_ptr<const Task> training, test;
};

// Prompts are compared as texts, byte by byte, with each token of a SID as one more letter, so that
// no model's tokenizer is needed. Of a task with many rows so many evenly spaced ones are looked
// at, of each split; every count says of how many. What a row's history shows is no leak: a row
// whose target stands there counts for answer_in_prompt alone.
TSREC_HOST_API std::vector<AuditFinding> audit_prompts(const std::vector<AuditedTask>& tasks,
                                                       const PromptWording& wording,
                                                       const Dataset& data, const SidTable& sids,
                                                       int64_t most_rows = 50000);

}  // namespace tsrec::host
