// What a language model is asked about a token.
#include "../../../plugins/extractor/language_model/question.hpp"

#include "support/support.hpp"

namespace tsrec::test {
namespace {

using language_model::item_text;
using language_model::QuestionOptions;
using language_model::Questions;
using language_model::sampled_items;

Items three_items() {
  Items items({"x", "y", "z"});
  items.set("title", {"Hex bolt", "Steel\n  tape \t measure", " "});
  items.set("description", {"A bolt of zinc plated steel for wood and metal", "", ""});
  items.set("brand", {"Acme", "", "\n"});
  return items;
}

const std::vector<std::string> kColumns = {"title", "description", "brand"};

TEST(Question, AnItemIsALineForEachColumnThatSaysSomething) {
  const Items items = three_items();
  EXPECT_EQ(item_text(items, 0, kColumns, 600),
            "Title: Hex bolt\nDescription: A bolt of zinc plated steel for wood and metal\n"
            "Brand: Acme");
  EXPECT_EQ(item_text(items, 1, kColumns, 600), "Title: Steel tape measure");
  EXPECT_EQ(item_text(items, 2, kColumns, 600), "");
}

TEST(Question, LongColumnsAreShortenedBeforeShortOnesAtTheEndOfAWord) {
  // 8 + 4 characters of title and brand stay; the description has 30 - 12 = 18, "A bolt of zinc
  // pla|ted".
  EXPECT_EQ(item_text(three_items(), 0, kColumns, 30),
            "Title: Hex bolt\nDescription: A bolt of zinc\nBrand: Acme");
}

TEST(Question, TextsAreCutBetweenCharactersAndNeverBeyondTheirLimit) {
  const std::vector<std::string> words = {"héllo",    "wörld", "東京都", "a",
                                          "🙂🙂", "bolts", "和"};
  const torch::Tensor draw =
      torch::randint(7, {40, 30}, at::detail::createCPUGenerator(3), torch::kInt64);
  for (int64_t row = 0; row < 40; ++row) {
    std::string text;
    for (int64_t w = 0; w < 30; ++w)
      text += words[static_cast<size_t>(draw[row][w].item<int64_t>())] + (w % 5 == 4 ? " " : "");
    Items items({"x"});
    items.set("title", {text});
    const int64_t limit = 16 + row;
    const std::string shown = item_text(items, 0, {"title"}, limit);
    ASSERT_TRUE(shown.starts_with("Title: "));
    const std::string kept = shown.substr(7);
    EXPECT_TRUE(text.starts_with(kept));
    const unsigned char next = static_cast<unsigned char>(text[kept.size()]);
    EXPECT_NE(next & 0xC0, 0x80) << "a character is cut";
    int64_t characters = 0;
    for (const char c : kept) characters += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    EXPECT_LE(characters, limit);
    EXPECT_GE(2 * characters, limit) << "most of the limit is used";
  }
}

TEST(Question, ItemsAreDrawnBySeedAndTokenAlone) {
  std::vector<std::string> keys, titles;
  TokenCluster cluster{"<b_4>", 1, 4, {}};
  for (int64_t i = 0; i < 200; ++i) {
    keys.push_back(std::to_string(i));
    titles.push_back(i % 2 == 0 ? c10::str("thing ", i) : std::string());
    if (i >= 20) cluster.items.push_back(i);
  }
  Items items(keys);
  items.set("title", titles);
  const auto drawn = [&](uint64_t seed, int64_t code, int64_t count) {
    TestContext context(seed);
    cluster.code = code;
    return sampled_items(cluster, items, {"title"}, count, context);
  };
  const std::vector<int64_t> some = drawn(1, 4, 10);
  EXPECT_EQ(some.size(), 10u);
  EXPECT_TRUE(std::is_sorted(some.begin(), some.end()));
  EXPECT_EQ(std::adjacent_find(some.begin(), some.end()), some.end());
  for (const int64_t item : some) {
    EXPECT_GE(item, 20);
    EXPECT_EQ(item % 2, 0) << "an item without text says nothing";
  }
  EXPECT_EQ(drawn(1, 4, 10), some);
  EXPECT_NE(drawn(2, 4, 10), some);
  EXPECT_NE(drawn(1, 5, 10), some);
  EXPECT_EQ(drawn(1, 4, 90).size(), 90u);
  EXPECT_EQ(drawn(1, 4, 1000), drawn(2, 5, 90)) << "no more than it has: all of them";
  // Uniform: over many tokens every item is drawn about equally often (10 of 90: 222 of 2000).
  std::map<int64_t, int> times;
  for (int64_t code = 0; code < 2000; ++code) {
    for (const int64_t item : drawn(1, code, 10)) ++times[item];
  }
  EXPECT_EQ(times.size(), 90u);
  for (const auto& [item, count] : times) EXPECT_NEAR(count, 222, 75) << item;  // 5 deviations
}

TEST(Question, ThePapersPromptIsFilledAndSaysHowToAnswer) {
  TestContext context;
  const Items items = three_items();
  const std::vector<TokenCluster> clusters = {{"<a_0>", 0, 0, {0, 1, 2}}, {"<a_1>", 0, 1, {2}}};
  QuestionOptions options;
  options.category = "industrial";
  const Questions questions(options, clusters, items);
  const std::string text = questions.about(0, context);
  EXPECT_TRUE(
      text.starts_with("Role:\n\nYou are a Senior Product Content Analyst and Catalog "
                       "Specialist with expertise in industrial product"));
  EXPECT_TRUE(contains(text, "Items:\nItem 1\nTitle: Hex bolt\n"));
  EXPECT_TRUE(contains(text, "\n\nItem 2\nTitle: Steel tape measure\n\nOutput:"));
  EXPECT_FALSE(contains(text, "Item 3"));
  EXPECT_TRUE(contains(text, R"({"description": )"));
  EXPECT_EQ(questions.about(1, context), "") << "no item has a text";
  EXPECT_EQ(questions.rounds(), (std::vector<std::pair<size_t, size_t>>{{0, 2}}));
}

TEST(Question, BracesInItemsAndInThePromptStayWhatTheyAre) {
  TestContext context;
  Items items({"x"});
  items.set("title", {"{category} {items} {"});
  const std::vector<TokenCluster> clusters = {{"<a_0>", 0, 0, {0}}};
  QuestionOptions options;
  options.prompt = R"({"a": {}} {category}: {items} {A1})";
  const Questions questions(options, clusters, items);
  EXPECT_TRUE(questions.about(0, context)
                  .starts_with(
                      R"({"a": {}} retail: Item 1
Title: {category} {items} { {A1})"));
}

TEST(Question, APromptThatCannotBeFilledIsRefused) {
  const auto complaint = [](const std::string& prompt) {
    QuestionOptions options;
    Options declared;
    options.declare(declared);
    options.prompt = prompt;
    std::string said;
    for (const auto& check : declared.find("prompt")->facts().checks) said += check();
    return said;
  };
  EXPECT_EQ(complaint(""), "");
  EXPECT_EQ(complaint("{items}"), "");
  EXPECT_EQ(complaint(language_model::paper_prompt()), "");
  EXPECT_EQ(complaint("Describe {item}"),
            "prompt has {item}, which nothing fills; there are {category} and {items}");
  EXPECT_EQ(complaint("Describe {category}"),
            "prompt lacks {items}: the model would not see what it is to describe");
}

TEST(Question, DeeperLevelsSayWhatTheEarlierTokensMean) {
  TestContext context;
  const Items items = three_items();
  const std::vector<TokenCluster> clusters = {
      {"<a_0>", 0, 0, {0}}, {"<a_3>", 0, 3, {1, 2}}, {"<b_1>", 1, 1, {0, 1}}, {"<c_0>", 2, 0, {0}}};
  QuestionOptions options;
  options.prefix_conditioned = true;
  Questions questions(options, clusters, items);
  EXPECT_EQ(questions.rounds(), (std::vector<std::pair<size_t, size_t>>{{0, 2}, {2, 3}, {3, 4}}));
  EXPECT_FALSE(contains(questions.about(0, context), "Family: "));
  questions.learn(
      {"<a_0>", "Things that fasten.", {"bolt", "screw", "nut", "rod", "pin", "sixth"}});
  questions.learn({"<a_3>", "Things that measure.", {}});
  const std::string second = questions.about(2, context);
  EXPECT_TRUE(contains(second, "Brand: Acme\nFamily: bolt, screw, nut, rod, pin\n"));
  EXPECT_TRUE(contains(second, "measure\nFamily: Things that measure.\n"));
  EXPECT_TRUE(contains(second, "beyond their families"));
  questions.learn({"<b_1>", "d", {"steel"}});
  EXPECT_TRUE(contains(questions.about(3, context), "Family: bolt, screw, nut, rod, pin; steel\n"));
}

}  // namespace
}  // namespace tsrec::test
