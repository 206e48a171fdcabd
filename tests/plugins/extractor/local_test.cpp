// A checkpoint on this machine describes SID tokens.
#include "support/support.hpp"
#include "tsrec/boundary.hpp"
#include "tsrec/parts/extractor.hpp"

namespace tsrec::test {
namespace {

// A toy model in a folder of its own, which writes something, if nothing that means anything.
class Local : public ::testing::Test {
 protected:
  Local() { kit::ToyWorld().plain->save(folder_.path()); }

  OptionTexts options(OptionTexts more = {}) const {
    more.emplace("path", folder_.path().string());
    more.emplace("max_tokens", "24");
    more.emplace("description_tokens", "8");
    return more;
  }
  std::vector<TokenNote> notes(const OptionTexts& options, TestContext& context,
                               const Items& items = kit::toy_items()) const {
    return make_part<Extractor>("local", context, options)->extract(clusters_, items, context);
  }
  static bool are_equal(const std::vector<TokenNote>& a, const std::vector<TokenNote>& b) {
    return std::equal(
        a.begin(), a.end(), b.begin(), b.end(), [](const TokenNote& x, const TokenNote& y) {
          return x.token == y.token && x.description == y.description && x.keywords == y.keywords;
        });
  }

  TempFolder folder_;
  std::vector<TokenCluster> clusters_ = token_clusters(kit::toy_sids());
};

TEST_F(Local, DescribesTokensInTheirOrder) {
  TestContext context;
  const std::vector<TokenNote> all = notes(options(), context);
  boundary::check_notes(all, clusters_);
  EXPECT_EQ(all.size(), clusters_.size());  // a led answer has a description at least
  for (const TokenNote& note : all) EXPECT_LE(note.keywords.size(), 20u);
  EXPECT_GT(context.counters.at("token_forwards"), 0);
}

TEST_F(Local, EqualSeedsGiveEqualNotes) {
  const OptionTexts few = options({{"items_per_token", "3"}});
  TestContext one(5), again(5), other(6);
  const std::vector<TokenNote> first = notes(few, one);
  EXPECT_TRUE(are_equal(first, notes(few, again)));
  EXPECT_FALSE(are_equal(first, notes(few, other)));  // other items are shown
}

TEST_F(Local, TextsAtOnceChangeNothing) {
  TestContext context;
  EXPECT_TRUE(are_equal(notes(options({{"texts_at_once", "1"}}), context),
                        notes(options({{"texts_at_once", "64"}}), context)));
}

TEST_F(Local, ATokenWithoutTextsIsLeftOutWithAWarning) {
  Items items = kit::toy_items();
  std::vector<std::string> titles, none;
  std::set<int64_t> hidden(clusters_[1].items.begin(), clusters_[1].items.end());
  for (int64_t item = 0; item < items.size(); ++item) {
    titles.emplace_back(hidden.contains(item) ? "" : items.text("title", item));
    none.emplace_back("");
  }
  items.set("title", titles);
  items.set("description", none);
  TestContext context;
  const std::vector<TokenNote> all = notes(options(), context, items);
  boundary::check_notes(all, clusters_);
  EXPECT_TRUE(std::none_of(all.begin(), all.end(), [&](const TokenNote& note) {
    return note.token == clusters_[1].token;
  }));
  EXPECT_TRUE(std::any_of(context.messages.begin(), context.messages.end(), [&](const auto& said) {
    return contains(said, "left out") && contains(said, clusters_[1].token);
  }));
}

TEST_F(Local, LevelsThatKnowTheEarlierOnesAreAskedOneAfterTheOther) {
  TestContext context;
  boundary::check_notes(notes(options({{"prefix_conditioned", "true"}}), context), clusters_);
}

TEST_F(Local, AFolderThatIsNoneIsOneSentence) {
  TestContext context;
  const std::string message = message_of<DataError>([&] {
    notes({{"path", "/no/such/folder"}}, context);
  });
  EXPECT_TRUE(contains(message, "extractor 'local': '/no/such/folder' is no folder")) << message;
}

TEST_F(Local, AQuestionBeyondThePositionsIsRefused) {
  TestContext context;
  const std::string message = message_of<ConfigError>([&] {
    notes(options({{"max_tokens", "65536"}}), context);
  });
  EXPECT_TRUE(contains(message, "positions of the model; lower items_per_token")) << message;
}

TEST_F(Local, AChatThatTheTokenizerCannotWriteIsRefused) {
  TestContext context;
  EXPECT_TRUE(contains(message_of<ConfigError>([&] {
                         notes(options({{"chat", "chatml"}}), context);
                       }),
                       "has no token <|im_start|>"));
}

// A real model, which is not stored here.
TEST(LocalSmolLm2, NamesWhatItemsAre) {
  const char* const folder = std::getenv("TSREC_SMOLLM2");
  if (folder == nullptr)
    GTEST_SKIP() << "set TSREC_SMOLLM2 to the Hugging Face folder of SmolLM2-135M-Instruct";
  Items items(std::vector<std::string>{"0", "1", "2", "3"});
  items.set("title", {"Stainless steel hex bolt, pack of 10", "Zinc plated steel carriage bolt",
                      "Latex disposable gloves, 100 pieces", "Nitrile gloves, powder free"});
  const std::vector<TokenCluster> clusters = {{"<a_0>", 0, 0, {0, 1}}, {"<a_1>", 0, 1, {2, 3}}};
  TestContext context;
  const auto notes =
      make_part<Extractor>("local", context, {{"path", folder}})->extract(clusters, items, context);
  ASSERT_EQ(notes.size(), 2u);
  const auto all_of = [](const TokenNote& note) {
    std::string all = note.description;
    for (const std::string& keyword : note.keywords) all += " " + keyword;
    return all;
  };
  for (const TokenNote& note : notes) {
    EXPECT_FALSE(note.description.empty());
    EXPECT_GE(note.keywords.size(), 1u) << all_of(note);
    EXPECT_LE(note.keywords.size(), 20u);
  }
  EXPECT_TRUE(contains(all_of(notes[0]), "steel") || contains(all_of(notes[0]), "bolt"))
      << all_of(notes[0]);
  EXPECT_TRUE(contains(all_of(notes[1]), "glove")) << all_of(notes[1]);
}

}  // namespace
}  // namespace tsrec::test
