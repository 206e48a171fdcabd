#include "tsrec/nn/training_memory.hpp"

#include <algorithm>
#include <cstdio>

namespace tsrec::nn {
namespace {

std::string gigabytes(int64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", static_cast<double>(bytes) / 1e9);
  return text;
}

}  // namespace

std::string TrainingMemory::text() const {
  return c10::str(gigabytes(total()), " GB (weights ", gigabytes(weights), ", gradients ",
                  gigabytes(gradients), ", optimizer ", gigabytes(optimizer), ", copies ",
                  gigabytes(copies), ", a step ", gigabytes(step), ")");
}

TrainingMemory training_memory(const ModelMemory& model, const TrainingLoad& load) {
  const int64_t values = model.learning * model.bytes_each;
  const bool has_master = load.float32_state && model.bytes_each < 4;
  const int64_t bytes_of_state = load.float32_state ? 4 : model.bytes_each;
  TrainingMemory memory;
  memory.weights = model.frozen + values;
  memory.gradients = load.workers * values;
  memory.optimizer = model.learning * bytes_of_state * (has_master ? 3 : 2);
  memory.copies = (1 + load.models) * values;
  const double kept = load.checkpoint ? model.kept_per_token_checkpointed : model.kept_per_token;
  const double working =
      load.checkpoint ? model.working_per_token_checkpointed : model.working_per_token;
  // One forward's block is at work at a time.
  const int64_t at_work = std::max(load.state_tokens, load.tokens - load.state_tokens);
  memory.step = static_cast<int64_t>(kept * static_cast<double>(load.tokens) +
                                     working * static_cast<double>(at_work)) +
                load.workers * model.head_gradient;
  // Blocks that are computed again add their gradients at once, but keep what they hand on.
  if (load.state_tokens > 0) {
    memory.step +=
        load.checkpoint
            ? static_cast<int64_t>(model.state_per_token * static_cast<double>(load.state_tokens))
            : load.workers * values;
  }
  return memory;
}

}  // namespace tsrec::nn
