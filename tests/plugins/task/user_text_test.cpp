// LC-Rec's tasks of texts about users, against rows that are found by hand.
#include <nlohmann/json.hpp>
#include <set>

#include "support/pieces.hpp"
#include "support/support.hpp"
#include "tsrec/io/files.hpp"
#include "tsrec/parts/task.hpp"

namespace tsrec::test {
namespace {

using nlohmann::json;

// Two users in leave-one-out, of histories of at most two items: a, b, c, d, e and c, a, d, b.
struct TwoUsers {
  TwoUsers() {
    data.items = Items({"a", "b", "c", "d", "7"});
    const std::vector<UserSequence> users = {
        {.user = 0, .items = {0, 1, 2, 3, 4}, .times = {0, 1, 2, 3, 4}},
        {.user = 1, .items = {2, 0, 3, 1}, .times = {0, 1, 2, 3}}};
    split_leave_one_out(users, /*max_history=*/2, data);
    sids.sizes = {2, 3};
    sids.code_NL = torch::tensor({{0, 0}, {0, 1}, {1, 0}, {1, 1}, {1, 2}}, torch::kInt64);
    // As LC-Rec makes it: in training the third last item, in testing the last.
    users_file = {
        {"user_explicit_preference",
         {{"u", {"likes steel", " "}}, {"v", {"likes wood", "or oak"}}}},
        {"user_vague_intention",
         {{"train",
           {{"u", {{"item", "c"}, {"inters", {"a", "b"}}, {"querys", {"for a door", "a hinge"}}}},
            {"v", {{"item", "a"}, {"inters", {"c"}}, {"querys", {"", "a screw"}}}}}},
          {"test",
           {{"u", {{"item", 7}, {"inters", {"a", "b", "c", "d"}}, {"querys", {"a lid"}}}},
            {"v", {{"item", "b"}, {"inters", {"c", "a", "d"}}, {"querys", json::array()}}}}}}}};
  }
  std::shared_ptr<Task> task(const std::string& name, OptionTexts options = {}) {
    const std::filesystem::path file = folder.path() / "users.json";
    io::write_text(file, users_file.dump());
    options["file"] = file.string();
    auto made = make_part<Task>(name, context, options);
    made->prepare({.data = data, .sids = sids, .notes = {}}, context);
    return made;
  }
  json& train(const std::string& user) { return users_file["user_vague_intention"]["train"][user]; }

  TestContext context;
  TempFolder folder;
  Dataset data;
  SidTable sids;
  json users_file;
};

// Over many draws.
std::set<std::string> texts_in(const Task& task, int64_t index, const std::string& slot) {
  std::set<std::string> texts;
  for (uint64_t draw = 0; draw < 16; ++draw) {
    const Example example = task.at(Split::train, index, draw);
    for (const Piece& piece : example.slots.at(slot)) texts.insert(piece.text_value);
  }
  return texts;
}

TEST(UserText, IntentionsAreRowsOfTheSplit) {
  TwoUsers two;
  const auto task = two.task("intention_to_sid");
  ASSERT_EQ(task->size(Split::train), 2);
  EXPECT_EQ(task->size(Split::valid), 0);
  for (int64_t index = 0; index < 2; ++index) {
    const Example example = task->at(Split::train, index, 0);
    EXPECT_EQ(example.target_item, two.data.train.target(example.sample));
    EXPECT_EQ(items_of(example.slots.at("answer")), std::vector<int64_t>{example.target_item});
  }
  const Example u = task->at(Split::train, 0, 0), v = task->at(Split::train, 1, 0);
  EXPECT_EQ(u.target_item, 2);
  EXPECT_EQ(two.data.train.user(u.sample), 0);
  EXPECT_EQ(items_of(u.slots.at("history")), (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(v.target_item, 0);
  EXPECT_EQ(two.data.train.user(v.sample), 1);
  EXPECT_EQ(items_of(v.slots.at("history")), std::vector<int64_t>{2});
  // Of texts without a word none is shown, and of several each.
  EXPECT_EQ(texts_in(*task, 0, "query"), (std::set<std::string>{"for a door", "a hinge"}));
  EXPECT_EQ(texts_in(*task, 1, "query"), (std::set<std::string>{"a screw"}));
  EXPECT_EQ(texts_in(*task, 0, "preference"), (std::set<std::string>{"likes steel"}));
  EXPECT_EQ(texts_in(*task, 1, "preference"), (std::set<std::string>{"likes wood", "or oak"}));
  EXPECT_TRUE(task->answers_with_item());
  // v has no words for the test row; u's history is cut as the source cuts it.
  ASSERT_EQ(task->size(Split::test), 1);
  const Example test = task->at(Split::test, 0, 0);
  EXPECT_EQ(test.target_item, 4);
  EXPECT_EQ(items_of(test.slots.at("history")), (std::vector<int64_t>{2, 3}));
}

TEST(UserText, PreferencesAreOfTheHistoryBeforeTheRow) {
  TwoUsers two;
  const auto task = two.task("history_to_preference");
  ASSERT_EQ(task->size(Split::train), 2);
  const Example u = task->at(Split::train, 0, 0);
  EXPECT_EQ(items_of(u.slots.at("history")), (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(u.target_item, -1);
  EXPECT_EQ(texts_in(*task, 1, "answer"), (std::set<std::string>{"likes wood", "or oak"}));
  EXPECT_FALSE(task->answers_with_item());
  two.users_file["user_explicit_preference"].erase("v");
  EXPECT_EQ(two.task("history_to_preference")->size(Split::train), 1);
  const auto short_texts = two.task("history_to_preference", {{"max_characters", "6"}});
  EXPECT_EQ(texts_in(*short_texts, 0, "answer"), (std::set<std::string>{"likes"}));
}

// A row that the data hold for validation, whatever the file calls it.
TEST(UserText, RowsThatAreNotForTrainingAreLeftOut) {
  TwoUsers two;
  two.train("u") = {{"item", "d"}, {"inters", {"a", "b", "c"}}, {"querys", {"a wire"}}};
  const auto task = two.task("intention_to_sid");
  ASSERT_EQ(task->size(Split::train), 1);
  EXPECT_EQ(task->at(Split::train, 0, 0).target_item, 0);
  // A stage that was given a part of the rows trains on texts of these alone.
  const std::vector<int64_t> first = {0};
  two.data.train = two.data.train.rows(first);
  EXPECT_TRUE(contains(message_of<DataError>([&] { two.task("intention_to_sid"); }),
                       "none of the 2 users"));
}

TEST(UserText, OtherFilesAreRefused) {
  TwoUsers two;
  two.train("v")["inters"] = {"c", "zinc"};
  EXPECT_TRUE(contains(message_of<DataError>([&] { two.task("intention_to_sid"); }),
                       "user 'v' has the item 'zinc', which the catalogue has not"));
  two.train("v").erase("inters");
  EXPECT_TRUE(contains(message_of<DataError>([&] { two.task("intention_to_sid"); }),
                       "expected LC-Rec's user.json"));
  two.users_file = {{"user_explicit_preference", json::object()}};
  EXPECT_TRUE(contains(message_of<DataError>([&] { two.task("history_to_preference"); }),
                       "user_vague_intention"));
}

}  // namespace
}  // namespace tsrec::test
