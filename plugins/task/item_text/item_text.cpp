// Explicit SID-language alignment: an item's title or description and its SID, in both directions
// (paper A.2.2; with descriptions, Zheng et al., 2024).
#include "tsrec/parts/task.hpp"
#include "tsrec/text/words.hpp"

namespace {

using namespace tsrec;

// One row per item with the text; all of them are training rows.
class ItemTexts : public Task {
 public:
  explicit ItemTexts(std::string column) : column_(std::move(column)) {}

  void prepare(const TaskInputs& inputs, Context& context) override {
    items_ = &inputs.data.items;
    with_text_.clear();
    for (int64_t item = 0; item < items_->size(); ++item) {
      if (!items_->text(column_, item).empty()) with_text_.push_back(item);
    }
    if (with_text_.empty()) {
      throw DataError("task '", form(), "': no item has a ", column_,
                      "; remove the task or use a source with ", column_, "s");
    }
    const int64_t without = items_->size() - static_cast<int64_t>(with_text_.size());
    if (without > 0)
      context.log(Level::info, c10::str("task '", form(), "': ", without, " items without a ",
                                        column_, " left out"));
  }
  int64_t size(Split split) const override {
    return split == Split::train ? static_cast<int64_t>(with_text_.size()) : 0;
  }

 protected:
  // What asks for the SID by the text, and for the text by the SID.
  Example asking_for_sid(int64_t index) const {
    Example example;
    example.form = form();
    example.slots = {{column_, {text(index)}}, {"answer", {Piece::sid(item(index))}}};
    example.target_item = item(index);
    return example;
  }
  Example asking_for_text(int64_t index) const {
    Example example;
    example.form = form();
    example.slots = {{"item", {Piece::sid(item(index))}}, {"answer", {text(index)}}};
    return example;
  }
  virtual std::string_view shown(std::string_view whole) const { return whole; }

 private:
  int64_t item(int64_t index) const { return with_text_[static_cast<size_t>(index)]; }
  Piece text(int64_t index) const {
    return Piece::text(std::string(shown(items_->text(column_, item(index)))));
  }

  std::string column_;
  const Items* items_ = nullptr;
  std::vector<int64_t> with_text_;
};

class TitleToSid final : public ItemTexts {
 public:
  TitleToSid(const NoSettings&, Context&) : ItemTexts("title") {}
  Example at(Split, int64_t index, uint64_t) const override { return asking_for_sid(index); }
  std::string form() const override { return "title_to_sid"; }
  bool answers_with_item() const override { return true; }
};

class SidToTitle final : public ItemTexts {
 public:
  SidToTitle(const NoSettings&, Context&) : ItemTexts("title") {}
  Example at(Split, int64_t index, uint64_t) const override { return asking_for_text(index); }
  std::string form() const override { return "sid_to_title"; }
  bool answers_with_item() const override { return false; }
};

struct DescriptionSettings {
  int64_t max_characters = 600;
  void declare(Options& o) {
    o.add("max_characters", max_characters)
        .range(1, 1 << 20)
        .unit("characters")
        .help("longer descriptions are cut behind their last whole word");
  }
};

class Descriptions : public ItemTexts {
 public:
  explicit Descriptions(const DescriptionSettings& settings)
      : ItemTexts("description"), settings_(settings) {}

 protected:
  std::string_view shown(std::string_view whole) const final {
    return text::head_of(whole, settings_.max_characters);
  }

 private:
  DescriptionSettings settings_;
};

class DescriptionToSid final : public Descriptions {
 public:
  DescriptionToSid(const DescriptionSettings& settings, Context&) : Descriptions(settings) {}
  static Wordings wordings() {
    return {{"description_to_sid",
             {{"instruction", "Find the item that fits the description."},
              {"input", "Which item is described as follows: \"{description}\"?"},
              {"target", "{answer}\n{eos}"}}}};
  }
  Example at(Split, int64_t index, uint64_t) const override { return asking_for_sid(index); }
  std::string form() const override { return "description_to_sid"; }
  bool answers_with_item() const override { return true; }
};

class SidToDescription final : public Descriptions {
 public:
  SidToDescription(const DescriptionSettings& settings, Context&) : Descriptions(settings) {}
  static Wordings wordings() {
    return {{"sid_to_description",
             {{"instruction", "Describe the item."},
              {"input", "How would you describe item \"{item}\"?"},
              {"target", "{answer}\n{eos}"}}}};
  }
  Example at(Split, int64_t index, uint64_t) const override { return asking_for_text(index); }
  std::string form() const override { return "sid_to_description"; }
  bool answers_with_item() const override { return false; }
};

}  // namespace

TSREC_PLUGIN("tsrec.item_text", "0.1.0",
             tsrec::part<tsrec::Task, TitleToSid, tsrec::NoSettings>("title_to_sid", /*revision=*/1,
                                                                     "Title of an item -> its SID"),
             tsrec::part<tsrec::Task, SidToTitle, tsrec::NoSettings>("sid_to_title", /*revision=*/1,
                                                                     "SID of an item -> its title"),
             tsrec::part<tsrec::Task, DescriptionToSid, DescriptionSettings>(
                 "description_to_sid", /*revision=*/1, "Description of an item -> its SID"),
             tsrec::part<tsrec::Task, SidToDescription, DescriptionSettings>(
                 "sid_to_description", /*revision=*/1, "SID of an item -> its description"))
