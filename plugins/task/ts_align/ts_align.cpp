// TS-Align: a single SID token and what it means, in both directions (paper 4.2).
#include "tsrec/parts/task.hpp"

namespace {

using namespace tsrec;

// One training row per described token.
class TokenNotes : public Task {
 public:
  void prepare(const TaskInputs& inputs, Context&) override {
    rows_.clear();
    for (const TokenNote& note : inputs.notes) {
      const auto [level, code] = inputs.sids.spelling.parse(note.token);
      if (!note.description.empty()) rows_.push_back({level, code, note.description});
    }
    if (rows_.empty()) {
      throw ConfigError(
          "task '", form(),
          "' needs descriptions of the SID tokens, and there are none; add an [extractor] such "
          "as use = \"ctfidf\" and items with texts, or remove the task");
    }
  }
  int64_t size(Split split) const override {
    return split == Split::train ? static_cast<int64_t>(rows_.size()) : 0;
  }
  bool answers_with_item() const override { return false; }

 protected:
  Piece token(int64_t index) const {
    return Piece::token(rows_[static_cast<size_t>(index)].level,
                        rows_[static_cast<size_t>(index)].code);
  }
  Piece description(int64_t index) const {
    return Piece::text(rows_[static_cast<size_t>(index)].description);
  }

 private:
  struct Row {
    int64_t level, code;
    std::string description;
  };
  std::vector<Row> rows_;
};

class TokenToDescription final : public TokenNotes {
 public:
  TokenToDescription(const NoSettings&, Context&) {}
  Example at(Split, int64_t index, uint64_t) const override {
    Example example;
    example.form = form();
    example.slots = {{"token", {token(index)}}, {"answer", {description(index)}}};
    return example;
  }
  std::string form() const override { return "token_to_description"; }
};

class DescriptionToToken final : public TokenNotes {
 public:
  DescriptionToToken(const NoSettings&, Context&) {}
  Example at(Split, int64_t index, uint64_t) const override {
    Example example;
    example.form = form();
    example.slots = {{"description", {description(index)}}, {"answer", {token(index)}}};
    return example;
  }
  std::string form() const override { return "description_to_token"; }
};

}  // namespace

TSREC_PLUGIN("tsrec.ts_align", "0.1.0",
             tsrec::part<tsrec::Task, TokenToDescription, tsrec::NoSettings>(
                 "token_to_description", /*revision=*/1, "SID token -> what it means"),
             tsrec::part<tsrec::Task, DescriptionToToken, tsrec::NoSettings>(
                 "description_to_token", /*revision=*/1, "What a SID token means -> the token"))
