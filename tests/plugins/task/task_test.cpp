#include "tsrec/parts/task.hpp"

#include "support/pieces.hpp"
#include "support/support.hpp"

namespace tsrec::test {
namespace {

// Four items, two users; item 2 has no title and no description.
struct Toy {
  Toy() {
    data.items = Items({"i0", "i1", "i2", "i3"});
    data.items.set("title", {"bolt", "wire", "", "glove"});
    data.items.set("description",
                   {"a bolt of steel", "", "", "a glove made of cotton for the garden"});
    SamplesBuilder train, valid;
    train.add(7, std::vector<int64_t>{0, 1}, 3, 10);
    train.add(8, std::vector<int64_t>{3}, 2, 11);
    train.add(8, std::vector<int64_t>{3, 2}, 1, 12);
    valid.add(7, std::vector<int64_t>{0, 1, 3}, 0, 13);
    data.train = train.build();
    data.valid = valid.build();
    data.test = Samples::empty();
    sids.sizes = {2, 2};
    sids.code_NL = torch::tensor({{0, 0}, {0, 1}, {1, 0}, {1, 1}}, torch::kInt64);
    notes = {
        {"<a_0>", "hard things", {"hard"}}, {"<a_1>", "", {}}, {"<b_1>", "soft things", {"soft"}}};
  }
  std::shared_ptr<Task> task(const std::string& name,
                             const std::map<std::string, std::string>& options = {}) {
    auto made = make_part<Task>(name, context, options);
    made->prepare({.data = data, .sids = sids, .notes = notes}, context);
    return made;
  }

  TestContext context;
  Dataset data;
  SidTable sids;
  std::vector<TokenNote> notes;
};

TEST(NextItem, TheTargetTravelsWithItsRow) {
  Toy toy;
  const auto task = toy.task("next_item");
  ASSERT_EQ(task->size(Split::train), 3);
  EXPECT_EQ(task->size(Split::valid), 1);
  EXPECT_EQ(task->size(Split::test), 0);
  const Example example = task->at(Split::train, 2, 0);
  EXPECT_EQ(items_of(example.slots.at("history")), (std::vector<int64_t>{3, 2}));
  EXPECT_EQ(items_of(example.slots.at("answer")), (std::vector<int64_t>{1}));
  EXPECT_EQ(example.target_item, 1);
  EXPECT_EQ(example.sample, 2);
  EXPECT_TRUE(task->answers_with_item());
  EXPECT_EQ(items_of(task->at(Split::valid, 0, 0).slots.at("history")),
            (std::vector<int64_t>{0, 1, 3}));
}

TEST(NextItem, UsersShareTheirTokensByRemainder) {
  Toy toy;
  const auto task = toy.task("next_item", {{"users", "5"}});
  EXPECT_EQ(task->at(Split::train, 0, 0).slots.at("user")[0].text_value, "<user_2>");
  EXPECT_EQ(task->at(Split::train, 2, 0).slots.at("user")[0].text_value, "<user_3>");
  EXPECT_EQ(task->at(Split::valid, 0, 0).slots.at("user")[0].text_value, "<user_2>");
  EXPECT_EQ(toy.task("next_item")->at(Split::train, 0, 0).slots.count("user"), 0U);
  SamplesBuilder unknown;
  unknown.add(-1, std::vector<int64_t>{0}, 1, 10);
  toy.data.test = unknown.build();
  EXPECT_TRUE(task->at(Split::test, 0, 0).slots.at("user").empty());
}

TEST(ItemText, OneRowPerTitledItemInBothDirections) {
  Toy toy;
  const auto to_sid = toy.task("title_to_sid"), to_title = toy.task("sid_to_title");
  ASSERT_EQ(to_sid->size(Split::train), 3);
  EXPECT_EQ(to_sid->size(Split::valid), 0);
  const Example sid = to_sid->at(Split::train, 2, 0);
  EXPECT_EQ(sid.slots.at("title")[0].text_value, "glove");
  EXPECT_EQ(items_of(sid.slots.at("answer")), (std::vector<int64_t>{3}));
  EXPECT_EQ(sid.target_item, 3);
  const Example title = to_title->at(Split::train, 1, 0);
  EXPECT_EQ(items_of(title.slots.at("item")), (std::vector<int64_t>{1}));
  EXPECT_EQ(title.slots.at("answer")[0].text_value, "wire");
  EXPECT_TRUE(to_sid->answers_with_item());
  EXPECT_FALSE(to_title->answers_with_item());
}

TEST(ItemText, NoTitleAtAllIsAnError) {
  Toy toy;
  toy.data.items.set("title", {"", "", "", ""});
  EXPECT_NE(message_of<DataError>([&] { toy.task("title_to_sid"); }).find("no item has a title"),
            std::string::npos);
}

TEST(ItemText, DescriptionsInBothDirectionsAreCutAtAWord) {
  Toy toy;
  const auto to_sid = toy.task("description_to_sid", {{"max_characters", "12"}}),
             to_text = toy.task("sid_to_description");
  ASSERT_EQ(to_sid->size(Split::train), 2);
  EXPECT_EQ(to_sid->size(Split::test), 0);
  const Example sid = to_sid->at(Split::train, 1, 0);
  EXPECT_EQ(sid.slots.at("description")[0].text_value, "a glove");
  EXPECT_EQ(items_of(sid.slots.at("answer")), (std::vector<int64_t>{3}));
  EXPECT_EQ(sid.target_item, 3);
  const Example text = to_text->at(Split::train, 1, 0);
  EXPECT_EQ(items_of(text.slots.at("item")), (std::vector<int64_t>{3}));
  EXPECT_EQ(text.slots.at("answer")[0].text_value, "a glove made of cotton for the garden");
  EXPECT_TRUE(to_sid->answers_with_item());
  EXPECT_FALSE(to_text->answers_with_item());
  toy.data.items.set("description", {"", "", "", ""});
  EXPECT_TRUE(contains(message_of<DataError>([&] { toy.task("sid_to_description"); }),
                       "no item has a description"));
}

TEST(TitlesToSid, TheNewestTitlesOldestFirst) {
  Toy toy;
  const auto task = toy.task("titles_to_sid", {{"items", "2"}});
  ASSERT_EQ(task->size(Split::train), 3);
  ASSERT_EQ(task->size(Split::valid), 1);
  const auto titles = [&](const Example& example) {
    std::vector<std::string> texts;
    for (const Piece& piece : example.slots.at("titles")) texts.push_back(piece.text_value);
    return texts;
  };
  const Example valid = task->at(Split::valid, 0, 0);
  EXPECT_EQ(titles(valid), (std::vector<std::string>{"\"wire\"", "\"glove\""}));
  EXPECT_EQ(items_of(valid.slots.at("answer")), (std::vector<int64_t>{0}));
  // Item 2 has no title, and is passed over; alone it leaves nothing to show.
  EXPECT_EQ(titles(task->at(Split::train, 2, 0)), (std::vector<std::string>{"\"glove\""}));
  EXPECT_EQ(toy.task("titles_to_sid", {{"items", "1"}})->size(Split::train), 2);
  const Example last = toy.task("titles_to_sid", {{"items", "1"}})->at(Split::train, 1, 0);
  EXPECT_EQ(last.sample, 1);
  EXPECT_EQ(last.target_item, 2);
  EXPECT_TRUE(task->answers_with_item());
}

TEST(NextText, RowsWithoutATextAreLeftOut) {
  Toy toy;
  const auto title = toy.task("next_title");
  ASSERT_EQ(title->size(Split::train), 2);
  const Example example = title->at(Split::train, 1, 0);
  EXPECT_EQ(example.sample, 2);
  EXPECT_EQ(example.slots.at("answer")[0].text_value, "wire");
  EXPECT_EQ(items_of(example.slots.at("history")), (std::vector<int64_t>{3, 2}));
}

TEST(NextText, DescriptionsAreCutAtAWordAndFallBackToTheTitle) {
  Toy toy;
  const auto task = toy.task("next_description", {{"max_characters", "12"}});
  ASSERT_EQ(task->size(Split::train), 2);
  EXPECT_EQ(task->at(Split::train, 0, 0).slots.at("answer")[0].text_value, "a glove");
  EXPECT_EQ(task->at(Split::train, 1, 0).slots.at("answer")[0].text_value, "wire");
}

TEST(TsAlign, OneRowPerDescribedTokenInBothDirections) {
  Toy toy;
  const auto to_text = toy.task("token_to_description"),
             to_token = toy.task("description_to_token");
  ASSERT_EQ(to_text->size(Split::train), 2);
  EXPECT_EQ(to_text->size(Split::valid), 0);
  const Example text = to_text->at(Split::train, 1, 0);
  EXPECT_EQ(text.slots.at("token")[0].level, 1);
  EXPECT_EQ(text.slots.at("token")[0].code, 1);
  EXPECT_EQ(text.slots.at("answer")[0].text_value, "soft things");
  const Example token = to_token->at(Split::train, 0, 0);
  EXPECT_EQ(token.slots.at("description")[0].text_value, "hard things");
  EXPECT_EQ(token.slots.at("answer")[0].kind, Piece::Kind::token);
  toy.notes.clear();
  EXPECT_NE(message_of<ConfigError>([&] { toy.task("token_to_description"); }).find("[extractor]"),
            std::string::npos);
}

}  // namespace
}  // namespace tsrec::test
