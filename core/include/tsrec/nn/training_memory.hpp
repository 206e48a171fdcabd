// Main memory of a training, predicted from sizes before it is used. All numbers are bytes.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::nn {

// What a model contributes.
struct ModelMemory {
  int64_t frozen = 0;    // weights that do not learn; copies of the model share them
  int64_t learning = 0;  // numbers that do, each of bytes_each
  int64_t bytes_each = 4;
  // The gradient of the head, which waits for that of the embedding where both are one matrix.
  int64_t head_gradient = 0;
  // The graph of one token: what it keeps until backward has passed; and what is there besides,
  // once for every token that a worker computes, while one block is at work.
  double kept_per_token = 0, kept_per_token_checkpointed = 0;  // the second: ForwardOptions
  double working_per_token = 0, working_per_token_checkpointed = 0;
  double state_per_token = 0;  // keys and values
};

// What a trainer does with it.
struct TrainingLoad {
  int64_t tokens = 0;   // with a graph at one time, those of all workers together
  int64_t workers = 1;  // each has gradients of its own
  int64_t models = 0;   // copies beside the policy, such as a reference
  // Of the tokens those of a first forward, whose keys and values a second one reads, as behind
  // prompts. The second one's gradients of the weights then wait for the first one's.
  int64_t state_tokens = 0;
  bool checkpoint = false, float32_state = true;
};

struct TrainingMemory {
  int64_t weights = 0;    // of the policy, frozen ones included
  int64_t gradients = 0;  // of all workers
  int64_t optimizer = 0;  // both moments, and float32 copies of narrower weights
  int64_t copies = 0;     // the best state, and models beside the policy
  int64_t step = 0;       // what comes and goes in a step: the graph, and gradients on their way
  int64_t total() const { return weights + gradients + optimizer + copies + step; }
  std::string text() const;  // "5.9 GB (weights 0.5, gradients 1.1, ...)"
};

// AdamW by train::ModelUpdater, driven by the host, which keeps the best state. Without what the
// process holds besides: libraries, data.
TSREC_API TrainingMemory training_memory(const ModelMemory& model, const TrainingLoad& load);

}  // namespace tsrec::nn
