// Explicit SID-language alignment: an item's title and its SID, in both directions (paper A.2.2).
#include "tsrec/parts/task.hpp"

namespace {

using namespace tsrec;

// One row per item with a title; all of them are training rows.
class ItemTitles : public Task {
 public:
  void prepare(const TaskInputs& inputs, Context& context) override {
    items_ = &inputs.data.items;
    titled_.clear();
    for (int64_t item = 0; item < items_->size(); ++item) {
      if (!items_->text("title", item).empty()) titled_.push_back(item);
    }
    if (titled_.empty()) {
      throw DataError("task '", form(),
                      "': no item has a title; remove the task or use a source with titles");
    }
    const int64_t without = items_->size() - static_cast<int64_t>(titled_.size());
    if (without > 0)
      context.log(Level::info,
                  c10::str("task '", form(), "': ", without, " items without a title left out"));
  }
  int64_t size(Split split) const override {
    return split == Split::train ? static_cast<int64_t>(titled_.size()) : 0;
  }

 protected:
  int64_t item(int64_t index) const { return titled_[static_cast<size_t>(index)]; }
  Piece title(int64_t index) const {
    return Piece::text(std::string(items_->text("title", item(index))));
  }

 private:
  const Items* items_ = nullptr;
  std::vector<int64_t> titled_;
};

class TitleToSid final : public ItemTitles {
 public:
  TitleToSid(const NoSettings&, Context&) {}
  Example at(Split, int64_t index, uint64_t) const override {
    Example example;
    example.form = form();
    example.slots = {{"title", {title(index)}}, {"answer", {Piece::sid(item(index))}}};
    example.target_item = item(index);
    return example;
  }
  std::string form() const override { return "title_to_sid"; }
  bool answers_with_item() const override { return true; }
};

class SidToTitle final : public ItemTitles {
 public:
  SidToTitle(const NoSettings&, Context&) {}
  Example at(Split, int64_t index, uint64_t) const override {
    Example example;
    example.form = form();
    example.slots = {{"item", {Piece::sid(item(index))}}, {"answer", {title(index)}}};
    return example;
  }
  std::string form() const override { return "sid_to_title"; }
  bool answers_with_item() const override { return false; }
};

}  // namespace

TSREC_PLUGIN("tsrec.item_text", "0.1.0",
             tsrec::part<tsrec::Task, TitleToSid, tsrec::NoSettings>("title_to_sid", /*revision=*/1,
                                                                     "Title of an item -> its SID"),
             tsrec::part<tsrec::Task, SidToTitle, tsrec::NoSettings>("sid_to_title", /*revision=*/1,
                                                                     "SID of an item -> its title"))
