// Sequential item prediction: a user's history -> the SID of the next item. The history in SIDs is
// the recommendation task itself (paper A.2.1), in titles it is one of LC-Rec's alignments (Zheng
// et al., 2024).
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

struct TitlesSettings {
  int64_t items = 20;
  void declare(Options& o) {
    o.add("items", items)
        .range(1, 100000)
        .unit("items")
        .help("titles of so many of the newest items are shown");
  }
};

// Rows whose history has a title to show.
class TitlesToSid final : public Task {
 public:
  TitlesToSid(const TitlesSettings& settings, Context&) : settings_(settings) {}
  static Wordings wordings() {
    return {{"titles_to_sid",
             {{"instruction", "Recommend the user's next item."},
              {"input",
               "The user has interacted with items of these titles in chronological order: "
               "{titles}. Which item comes next?"},
              {"target", "{answer}\n{eos}"}}}};
  }

  void prepare(const TaskInputs& inputs, Context& context) override {
    data_ = &inputs.data;
    int64_t without = 0;
    for (const Split split : {Split::train, Split::valid, Split::test}) {
      const Samples& samples = data_->split(split);
      std::vector<int64_t>& rows = rows_[split];
      rows.clear();
      for (int64_t row = 0; row < samples.size(); ++row) {
        if (titles(samples.history(row)).empty()) {
          ++without;
        } else {
          rows.push_back(row);
        }
      }
    }
    if (without > 0)
      context.log(Level::info, c10::str("task '", form(), "': ", without,
                                        " rows without a title in their history left out"));
  }
  int64_t size(Split split) const override { return static_cast<int64_t>(rows_.at(split).size()); }

  Example at(Split split, int64_t index, uint64_t) const override {
    const Samples& samples = data_->split(split);
    Example example;
    example.form = form();
    example.sample = rows_.at(split)[static_cast<size_t>(index)];
    example.target_item = samples.target(example.sample);
    example.slots["titles"] = titles(samples.history(example.sample));
    example.slots["answer"] = {Piece::sid(example.target_item)};
    return example;
  }

  std::string form() const override { return "titles_to_sid"; }
  bool answers_with_item() const override { return true; }

 private:
  // In quotes, oldest first, of the newest items; those without a title are passed over.
  std::vector<Piece> titles(std::span<const int64_t> history) const {
    if (std::ssize(history) > settings_.items)
      history = history.last(static_cast<size_t>(settings_.items));
    std::vector<Piece> pieces;
    for (const int64_t item : history) {
      const std::string_view title = data_->items.text("title", item);
      if (!title.empty()) pieces.push_back(Piece::text(c10::str("\"", title, "\"")));
    }
    return pieces;
  }

  TitlesSettings settings_;
  const Dataset* data_ = nullptr;
  std::map<Split, std::vector<int64_t>> rows_;
};

}  // namespace

TSREC_PLUGIN("tsrec.next_item", "0.1.0",
             tsrec::part<tsrec::Task, NextItem, tsrec::NoSettings>(
                 "next_item", /*revision=*/1, "History of SIDs -> SID of the next item"),
             tsrec::part<tsrec::Task, TitlesToSid, TitlesSettings>(
                 "titles_to_sid", /*revision=*/1, "History of titles -> SID of the next item"))
