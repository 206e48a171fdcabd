// Which rows each step of a training takes: a shuffle of every epoch, cut into steps.
#pragma once

#include "tsrec/context.hpp"
#include "tsrec/options.hpp"

namespace tsrec::train {

// 0 .. count - 1 in a random order.
TSREC_API std::vector<int64_t> shuffled(int64_t count, at::Generator generator);

// A trainer keeps one with its own defaults among its settings, and declares what of it is an
// option of all trainers.
struct TSREC_API RowOrderOptions {
  int64_t num_rows = 0, batch_rows = 1;
  int64_t epochs = 1, max_steps = 0;  // max_steps > 0: end after that many
  // An epoch has ceil(num_rows / batch_rows) steps. full: batch_rows rows each, the last one what
  // is left; even: about equally many.
  enum class Cut { full, even } cut = Cut::full;
  // Rows of one group stay together in one step, so that a step may have more rows, and the next
  // one fewer, or none. Null: every row stands alone.
  std::function<int64_t(int64_t row, int64_t epoch)> group = {};

  // epochs and max_steps; rows, updates: as help calls what an epoch has and what a step is.
  void declare(Options& options, std::string_view rows = "rows",
               std::string_view updates = "updates");
};

class TSREC_API RowOrder {
 public:
  explicit RowOrder(RowOrderOptions options);
  int64_t steps_per_epoch() const { return steps_per_epoch_; }
  int64_t num_steps() const;
  int64_t epoch_of(int64_t step) const { return step / steps_per_epoch_; }
  // The step's rows, valid until the next call. A function of the context's seed and the step: the
  // order of an epoch that is kept here is derived, and never saved.
  std::span<const int64_t> rows(int64_t step, Context& context);

 private:
  std::vector<std::vector<int64_t>> groups(int64_t epoch) const;
  void make_order(int64_t epoch, Context& context);

  RowOrderOptions options_;
  int64_t steps_per_epoch_ = 0;
  int64_t epoch_ = -1;                             // that order_ and runs_ hold
  std::vector<int64_t> order_;                     // rows
  std::vector<std::pair<int64_t, int64_t>> runs_;  // begin and end in order_, a step each
};

}  // namespace tsrec::train
