// What the host gives a part while it runs: the only way to log, draw randomness, and know the
// device. All of it may be called from several threads at once.
#pragma once

#include "tsrec/world.hpp"

namespace tsrec {

enum class Level { debug, info, warning };

class TSREC_API Context {
 public:
  Context() = default;
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  virtual ~Context();

  virtual void log(Level level, std::string_view message) = 0;
  // A point of a curve ("train.loss"); goes to the run's metrics file.
  virtual void number(std::string_view name, double value, int64_t step) = 0;
  // A counter ("token_forwards", "head_rows"); summed over the stage and written beside its
  // seconds.
  virtual void count(std::string_view name, int64_t amount) = 0;
  // done of total units of the current long loop; the host shows a bar with the time left, or
  // sparse lines.
  virtual void progress(std::string_view what, int64_t done, int64_t total) = 0;
  // A fresh stream, derived from (seed, stage, purpose, index) alone: there is no generator state
  // to save.
  virtual at::Generator generator(std::string_view purpose, int64_t index) = 0;
  // The same for what has two numbers, such as a step and a part of its batch: no other (purpose,
  // index, part), and no (purpose, index), has this stream.
  virtual at::Generator generator(std::string_view purpose, int64_t index, int64_t part) = 0;
  virtual torch::Device device() const = 0;
  // Of weights and activations. Sums and optimizer state are float32.
  virtual torch::ScalarType precision() const = 0;
  // True after Ctrl-C or at the end of the time budget: return soon (throw Interrupted from a fit
  // that cannot resume).
  virtual bool stopping() const = 0;
  // The processes that run this stage together.
  virtual World& world();
};

}  // namespace tsrec
