// Asymmetric item prediction: a history of SIDs -> title or description of the next item (paper
// A.2.3 and A.2.4).
#include "tsrec/parts/task.hpp"
#include "tsrec/text/words.hpp"

namespace {

using namespace tsrec;

struct Settings {
  int64_t max_characters = 600;
  void declare(Options& o) {
    o.add("max_characters", max_characters)
        .range(1, 1 << 20)
        .unit("characters")
        .help("longer answers are cut behind their last whole word");
  }
};

// Rows whose next item has the text; history and target as in next_item.
class NextText : public Task {
 public:
  explicit NextText(const Settings& settings) : settings_(settings) {}

  void prepare(const TaskInputs& inputs, Context& context) override {
    data_ = &inputs.data;
    int64_t without = 0;
    for (const Split split : {Split::train, Split::valid, Split::test}) {
      const Samples& samples = data_->split(split);
      std::vector<int64_t>& rows = rows_[split];
      rows.clear();
      for (int64_t row = 0; row < samples.size(); ++row) {
        if (answer(samples.target(row)).empty()) {
          ++without;
        } else {
          rows.push_back(row);
        }
      }
    }
    if (without > 0)
      context.log(Level::info,
                  c10::str("task '", form(), "': ", without, " rows without a text left out"));
  }
  int64_t size(Split split) const override { return static_cast<int64_t>(rows_.at(split).size()); }

  Example at(Split split, int64_t index, uint64_t) const override {
    const Samples& samples = data_->split(split);
    Example example;
    example.form = form();
    example.sample = rows_.at(split)[static_cast<size_t>(index)];
    example.target_item = samples.target(example.sample);
    for (const int64_t item : samples.history(example.sample))
      example.slots["history"].push_back(Piece::sid(item));
    example.slots["answer"] = {Piece::text(
        std::string(text::head_of(answer(example.target_item), settings_.max_characters)))};
    return example;
  }
  bool answers_with_item() const override { return false; }

 protected:
  virtual std::string_view answer(int64_t item) const = 0;
  const Items& items() const { return data_->items; }

 private:
  Settings settings_;
  const Dataset* data_ = nullptr;
  std::map<Split, std::vector<int64_t>> rows_;
};

class NextTitle final : public NextText {
 public:
  NextTitle(const Settings& settings, Context&) : NextText(settings) {}
  std::string form() const override { return "next_title"; }

 protected:
  std::string_view answer(int64_t item) const override { return items().text("title", item); }
};

// An item without a description is described by its title, as in the published code.
class NextDescription final : public NextText {
 public:
  NextDescription(const Settings& settings, Context&) : NextText(settings) {}
  std::string form() const override { return "next_description"; }

 protected:
  std::string_view answer(int64_t item) const override {
    const std::string_view description = items().text("description", item);
    return description.empty() ? items().text("title", item) : description;
  }
};

}  // namespace

TSREC_PLUGIN(
    "tsrec.next_text", "0.1.0",
    tsrec::part<tsrec::Task, NextTitle, Settings>("next_title", /*revision=*/2,
                                                  "History of SIDs -> title of the next item"),
    tsrec::part<tsrec::Task, NextDescription, Settings>(
        "next_description", /*revision=*/2, "History of SIDs -> description of the next item"))
