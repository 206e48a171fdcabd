// Sequential item prediction: the SIDs of a user's history -> the SID of the next item (paper
// A.2.1).
#include "tsrec/parts/task.hpp"

namespace {

using namespace tsrec;

class NextItem final : public Task {
 public:
  NextItem(const NoSettings&, Context&) {}

  void prepare(const TaskInputs& inputs, Context&) override { data_ = &inputs.data; }
  int64_t size(Split split) const override { return data_->split(split).size(); }

  Example at(Split split, int64_t index, uint64_t) const override {
    const Samples& samples = data_->split(split);
    Example example;
    example.form = form();
    for (const int64_t item : samples.history(index))
      example.slots["history"].push_back(Piece::sid(item));
    example.sample = index;
    example.target_item = samples.target(index);
    example.slots["answer"] = {Piece::sid(example.target_item)};
    return example;
  }

  std::string form() const override { return "next_item"; }
  bool answers_with_item() const override { return true; }

 private:
  const Dataset* data_ = nullptr;
};

}  // namespace

TSREC_PLUGIN("tsrec.next_item", "0.1.0",
             tsrec::part<tsrec::Task, NextItem, tsrec::NoSettings>(
                 "next_item", /*revision=*/1, "History of SIDs -> SID of the next item"))
