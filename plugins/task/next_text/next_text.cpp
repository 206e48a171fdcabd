// Asymmetric item prediction: a history of SIDs -> title or description of the next item (paper
// A.2.3 and A.2.4), and a history of titles -> SID of the next item (LC-Rec; Zheng et al., 2024).
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

// Rows that have the text; the others are left out.
class RowsWithText : public Task {
 public:
  void prepare(const TaskInputs& inputs, Context& context) override {
    data_ = &inputs.data;
    int64_t without = 0;
    for (const Split split : {Split::train, Split::valid, Split::test}) {
      const Samples& samples = data_->split(split);
      std::vector<int64_t>& rows = rows_[split];
      rows.clear();
      for (int64_t row = 0; row < samples.size(); ++row) {
        if (has_text(samples, row)) {
          rows.push_back(row);
        } else {
          ++without;
        }
      }
    }
    if (without > 0)
      context.log(Level::info, c10::str("task '", form(), "': ", without, " rows without ",
                                        text_wanted(), " left out"));
  }
  int64_t size(Split split) const override { return static_cast<int64_t>(rows_.at(split).size()); }

  Example at(Split split, int64_t index, uint64_t) const override {
    const Samples& samples = data_->split(split);
    Example example;
    example.form = form();
    example.sample = rows_.at(split)[static_cast<size_t>(index)];
    example.target_item = samples.target(example.sample);
    fill(samples.history(example.sample), example);
    return example;
  }

 protected:
  virtual bool has_text(const Samples& samples, int64_t row) const = 0;
  virtual const char* text_wanted() const = 0;  // "a text"
  // The slots; the rest is filled.
  virtual void fill(std::span<const int64_t> history, Example& example) const = 0;
  const Items& items() const { return data_->items; }

 private:
  const Dataset* data_ = nullptr;
  std::map<Split, std::vector<int64_t>> rows_;
};

// --- answered by a text of the next item; history and target as in next_item

class NextText : public RowsWithText {
 public:
  explicit NextText(const Settings& settings) : settings_(settings) {}
  bool answers_with_item() const override { return false; }

 protected:
  virtual std::string_view answer(int64_t item) const = 0;

 private:
  bool has_text(const Samples& samples, int64_t row) const override {
    return !answer(samples.target(row)).empty();
  }
  const char* text_wanted() const override { return "a text"; }
  void fill(std::span<const int64_t> history, Example& example) const override {
    for (const int64_t item : history) example.slots["history"].push_back(Piece::sid(item));
    example.slots["answer"] = {Piece::text(
        std::string(text::head_of(answer(example.target_item), settings_.max_characters)))};
  }

  Settings settings_;
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

// --- asked in titles

struct TitlesSettings {
  int64_t items = 20;
  void declare(Options& o) {
    o.add("items", items)
        .range(1, 100000)
        .unit("items")
        .help("titles of so many of the newest items are shown");
  }
};

class TitlesToSid final : public RowsWithText {
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
  std::string form() const override { return "titles_to_sid"; }
  bool answers_with_item() const override { return true; }

 private:
  bool has_text(const Samples& samples, int64_t row) const override {
    return !titles(samples.history(row)).empty();
  }
  const char* text_wanted() const override { return "a title in their history"; }
  void fill(std::span<const int64_t> history, Example& example) const override {
    example.slots["titles"] = titles(history);
    example.slots["answer"] = {Piece::sid(example.target_item)};
  }
  // In quotes, oldest first, of the newest items; those without a title are passed over.
  std::vector<Piece> titles(std::span<const int64_t> history) const {
    if (std::ssize(history) > settings_.items)
      history = history.last(static_cast<size_t>(settings_.items));
    std::vector<Piece> pieces;
    for (const int64_t item : history) {
      const std::string_view title = items().text("title", item);
      if (!title.empty()) pieces.push_back(Piece::text(c10::str("\"", title, "\"")));
    }
    return pieces;
  }

  TitlesSettings settings_;
};

}  // namespace

TSREC_PLUGIN(
    "tsrec.next_text", "0.1.0",
    tsrec::part<tsrec::Task, NextTitle, Settings>("next_title", /*revision=*/2,
                                                  "History of SIDs -> title of the next item"),
    tsrec::part<tsrec::Task, NextDescription, Settings>(
        "next_description", /*revision=*/2, "History of SIDs -> description of the next item"),
    tsrec::part<tsrec::Task, TitlesToSid, TitlesSettings>(
        "titles_to_sid", /*revision=*/1, "History of titles -> SID of the next item"))
