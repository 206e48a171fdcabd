// What a model has computed of tokens that others stand behind: prompts shared by their beams,
// completions behind a prompt.
#pragma once

#include "tsrec/nn/packed_batch.hpp"

namespace tsrec::nn {

class ModelState;
// Null: nothing was computed yet. States never change, so that one may stand behind many: a copy is
// a fork, and whoever goes on gets a new state that shares the memory of the old.
using State = std::shared_ptr<const ModelState>;

// The forest of segments is open to all. What the model keeps for them is its own matter: keys and
// values of a decoder, the encoder's output besides. Only the model that made it, or a clone, can
// use it.
class TSREC_API ModelState {
 public:
  virtual ~ModelState();
  const std::vector<Segment>& segments() const { return segments_; }  // begin: over all batches
  int64_t num_tokens() const { return num_tokens_; }
  virtual State detached() const = 0;  // the same storage, no graph

 protected:
  void append(const PackedBatch& batch);  // its segments follow

 private:
  std::vector<Segment> segments_;
  int64_t num_tokens_ = 0;
};

}  // namespace tsrec::nn
