// The processes that train one model together. Each computes the gradient of its own rows; the sum
// of them moves the weights, which are the same everywhere.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec {

// By default the world of one process, in which nothing is to be exchanged. All processes call the
// same methods in the same order, each with tensors of the same shape and type; a call returns when
// the result is there.
class TSREC_API World {
 public:
  World() = default;
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  virtual ~World();

  virtual int64_t rank() const { return 0; }  // of this process: 0 .. size() - 1
  virtual int64_t size() const { return 1; }
  virtual void all_reduce(
      const torch::Tensor& x);  // x becomes the sum over all processes, in place
  virtual void broadcast(const torch::Tensor& x, int64_t root);  // x becomes the root's, in place
  virtual void barrier();                                        // waits for all
};

}  // namespace tsrec
