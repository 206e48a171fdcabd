// Sequential item prediction: the SIDs of a user's history -> the SID of the next item (paper
// A.2.1).
#include "tsrec/parts/task.hpp"

namespace {

using namespace tsrec;

struct Settings {
  int64_t users = 0;
  void declare(Options& o) {
    o.add("users", users)
        .range(0, 1 << 24)
        .unit("tokens")
        .help(
            "the slot {user} is one of so many tokens <user_0>, <user_1>, ..., which the backbone "
            "must know; users share them by remainder; 0: there is no such slot");
  }
};

class NextItem final : public Task {
 public:
  NextItem(const Settings& settings, Context&) : settings_(settings) {}

  void prepare(const TaskInputs& inputs, Context&) override { data_ = &inputs.data; }
  int64_t size(Split split) const override { return data_->split(split).size(); }

  Example at(Split split, int64_t index, uint64_t) const override {
    const Samples& samples = data_->split(split);
    Example example;
    example.form = form();
    for (const int64_t item : samples.history(index))
      example.slots["history"].push_back(Piece::sid(item));
    if (settings_.users > 0) example.slots["user"] = user_token(samples.user(index));
    example.sample = index;
    example.target_item = samples.target(index);
    example.slots["answer"] = {Piece::sid(example.target_item)};
    return example;
  }

  std::string form() const override { return "next_item"; }
  bool answers_with_item() const override { return true; }

 private:
  // Somebody whom the data do not know has none.
  std::vector<Piece> user_token(int64_t user) const {
    if (user < 0) return {};
    return {Piece::text(c10::str("<user_", user % settings_.users, ">"))};
  }

  Settings settings_;
  const Dataset* data_ = nullptr;
};

}  // namespace

TSREC_PLUGIN("tsrec.next_item", "0.1.0",
             tsrec::part<tsrec::Task, NextItem, Settings>(
                 "next_item", /*revision=*/1, "History of SIDs -> SID of the next item"))
