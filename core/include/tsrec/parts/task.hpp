// A task turns data into training examples.
#pragma once

#include "tsrec/plugin.hpp"
#include "tsrec/prompt.hpp"

namespace tsrec {

struct TaskInputs {
  const Dataset& data;
  const SidTable& sids;
  const std::vector<TokenNote>& notes;  // empty without an extractor
};
class TSREC_API Task : public Part {
 public:
  static constexpr const char* kKind = "task";
  static constexpr int kContract = 1;
  ~Task() override;
  virtual void prepare(const TaskInputs& inputs, Context& context) = 0;  // inputs outlive the task
  virtual int64_t size(Split split) const = 0;
  // Thread-safe and pure; `draw` is seeded per (task, epoch, index) for tasks that vary their
  // wording or data.
  virtual Example at(Split split, int64_t index, uint64_t draw) const = 0;
  virtual std::string form() const = 0;  // the [prompt.<form>] this task fills
  // Its target is one item's SID. Evaluation, `recommend` and trainers with kNeedsItemAnswers
  // refuse other tasks, and ask before anything runs: a function of the options alone, also before
  // prepare().
  virtual bool answers_with_item() const = 0;
};

}  // namespace tsrec
