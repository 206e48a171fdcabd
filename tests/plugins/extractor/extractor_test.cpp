#include "tsrec/parts/extractor.hpp"

#include "support/support.hpp"

namespace tsrec::test {
namespace {

Items make_items(const std::vector<std::string>& titles) {
  std::vector<std::string> keys;
  for (size_t i = 0; i < titles.size(); ++i) keys.push_back(std::to_string(i));
  Items items(keys);
  items.set("title", titles);
  items.set("brand", std::vector<std::string>(titles.size(), "Acme"));
  return items;
}

TEST(CtfIdf, WeightsOrderKeywordsAsTheFormulaDoes) {
  TestContext context;
  // Class 1 "bolt bolt steel", class 2 "tape steel": W(bolt) .5406 > W(steel) .2703, W(tape) .6264
  // > W(steel) .4055.
  const Items items = make_items({"Bolt, the bolt of steel", "tape steel 42 acme"});
  const std::vector<TokenCluster> clusters = {{"<a_0>", 0, 0, {0}}, {"<a_1>", 0, 1, {1}}};
  const auto notes = make_part<Extractor>("ctfidf", context, {{"bigrams", "false"}})
                         ->extract(clusters, items, context);
  ASSERT_EQ(notes.size(), 2u);
  EXPECT_EQ(notes[0].keywords, (std::vector<std::string>{"bolt", "steel"}));
  EXPECT_EQ(notes[1].keywords, (std::vector<std::string>{"tape", "steel"}));
  EXPECT_NE(notes[0].description.find("bolt"), std::string::npos);
}

TEST(CtfIdf, RankingMatchesPlainLoopsOnRandomTexts) {
  TestContext context;
  const torch::Tensor draw =
      torch::randint(26, {12, 30}, at::detail::createCPUGenerator(4), torch::kInt64);
  std::vector<std::string> titles;
  for (int64_t i = 0; i < 12; ++i) {
    std::string title;
    for (int64_t w = 0; w < 30; ++w)
      title +=
          std::string("z") + static_cast<char>('a' + draw[i][w].item<int64_t>() % (10 + i)) + " ";
    titles.push_back(title);
  }
  std::vector<TokenCluster> clusters;
  for (int64_t s = 0; s < 4; ++s)
    clusters.push_back({SidSpelling().token(0, s), 0, s, {s, s + 4, s + 8}});
  const auto notes =
      make_part<Extractor>("ctfidf", context, {{"bigrams", "false"}, {"keywords", "1000"}})
          ->extract(clusters, make_items(titles), context);
  for (size_t s = 0; s < 4; ++s) {
    std::map<std::string, double> here, everywhere;
    for (size_t i = 0; i < 12; ++i) {
      std::istringstream in(titles[i]);
      for (std::string word; in >> word;) {
        ++everywhere[word];
        if (i % 4 == s) ++here[word];
      }
    }
    std::vector<std::pair<double, std::string>>
        ranked;  // every class has 90 words, so A = |s| = 90
    for (const auto& [word, count] : here)
      ranked.emplace_back(-count / 90 * std::log(1 + 90 / everywhere[word]), word);
    std::sort(ranked.begin(), ranked.end());
    ASSERT_EQ(notes[s].keywords.size(), ranked.size());
    for (size_t k = 0; k < ranked.size(); ++k) EXPECT_EQ(notes[s].keywords[k], ranked[k].second);
  }
}

// One class of screwdrivers and one of lamps. What never stands apart is one word, and nothing of
// it is a keyword beside it.
TEST(CtfIdf, ChineseKeywordsAreWords) {
  TestContext context;
  const Items items = make_items(
      {"家用电动螺丝刀第1款，耐用", "电动螺丝刀，轻便", "家用台灯第3款，耐用", "台灯，轻便"});
  const std::vector<TokenCluster> clusters = {{"<a_0>", 0, 0, {0, 1}}, {"<a_1>", 0, 1, {2, 3}}};
  const auto notes = make_part<Extractor>("ctfidf", context)->extract(clusters, items, context);
  ASSERT_EQ(notes.size(), 2u);
  const auto has = [&](size_t token, const std::string& keyword) {
    const auto& keywords = notes[token].keywords;
    return std::find(keywords.begin(), keywords.end(), keyword) != keywords.end();
  };
  EXPECT_EQ(notes[0].keywords.front(), "电动螺丝刀");
  EXPECT_TRUE(has(1, "台灯"));
  for (const char* piece : {"电动", "动螺", "螺丝", "丝刀", "动螺丝"})
    EXPECT_FALSE(has(0, piece)) << piece;
  // The number between them ends a run: nothing reaches over it.
  for (const TokenNote& note : notes) {
    for (const std::string& keyword : note.keywords) {
      EXPECT_EQ(keyword.find_first_of("0123456789,"), std::string::npos) << keyword;
      EXPECT_EQ(keyword.find("款耐"), std::string::npos) << keyword;
    }
  }
}

// Where characters also stand apart, pairs are words, and two of them that overlap are a longer
// one.
TEST(CtfIdf, PairsOfCharactersThatStandApartAreNotJoined) {
  TestContext context;
  const Items items = make_items({"不锈钢", "不锈", "锈钢", "台灯"});
  const std::vector<TokenCluster> clusters = {{"<a_0>", 0, 0, {0, 1, 2}}, {"<a_1>", 0, 1, {3}}};
  const auto notes = make_part<Extractor>("ctfidf", context)->extract(clusters, items, context);
  // W(不锈) = W(锈钢) = 2/4 ln(1 + 2.5/2) = .405 > W(不锈钢) = 1/4 ln(1 + 2.5/1) = .313
  EXPECT_EQ(notes[0].keywords, (std::vector<std::string>{"不锈", "锈钢", "不锈钢"}));
  const auto words = make_part<Extractor>("ctfidf", context, {{"bigrams", "false"}})
                         ->extract(clusters, items, context);
  EXPECT_EQ(words[0].keywords, (std::vector<std::string>{"不锈", "锈钢"}));
}

TEST(CtfIdf, NumbersOfOtherScriptsAreNoKeywords) {
  TestContext context;
  const auto notes = make_part<Extractor>("ctfidf", context)
                         ->extract({{"<a_0>", 0, 0, {0}}}, make_items({"٣٤ ４２ Étui"}), context);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0].keywords, (std::vector<std::string>{"étui"}));
}

TEST(CtfIdf, TokensWithoutWordsAreLeftOutWithAWarning) {
  TestContext context;
  const std::vector<TokenCluster> clusters = {{"<a_0>", 0, 0, {0}}, {"<a_1>", 0, 1, {1}}};
  const auto notes = make_part<Extractor>("ctfidf", context)
                         ->extract(clusters, make_items({"copper wire", "the 42"}), context);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0].keywords.front(), "copper wire");
  EXPECT_EQ(context.messages.size(), 1u);
}

TEST(Published, ReadsNotesInTheClustersOrder) {
  TestContext context;
  const TempFolder folder;
  const auto extract = [&](const std::string& bytes) {
    const std::string file = folder.write("notes.json", bytes).string();
    const std::vector<TokenCluster> clusters = {{"<a_0>", 0, 0, {0}}, {"<b_2>", 1, 2, {0}}};
    return make_part<Extractor>("published", context, {{"file", file}})
        ->extract(clusters, make_items({"x"}), context);
  };
  const auto notes = extract(R"([{"keywords": ["k"], "token": "<b_2>", "description": "two"},
                                {"token": "<a_0>", "description": "one", "keywords": []}])");
  ASSERT_EQ(notes.size(), 2u);
  EXPECT_EQ(notes[0].description, "one");
  EXPECT_EQ(notes[1].keywords, std::vector<std::string>{"k"});
  const auto complaint = [&](const std::string& bytes) {
    return message_of<DataError>([&] { extract(bytes); });
  };
  EXPECT_NE(complaint("[").find("malformed"), std::string::npos);
  EXPECT_NE(complaint("{}").find("no JSON list"), std::string::npos);
  EXPECT_NE(complaint(R"([{"token": "<a_0>"}])").find("malformed"), std::string::npos);
  EXPECT_NE(complaint(R"([{"token": "<a_0>", "description": "", "keywords": []}])")
                .find("lacks 1 of 2 SID tokens, the first is <b_2>"),
            std::string::npos);
  const std::string one = R"({"token": "<a_0>", "description": "", "keywords": []})";
  EXPECT_NE(complaint("[" + one + "," + one + "]").find("twice"), std::string::npos);
}

TEST(Published, TheIndustrialFileDescribesAllItsTokens) {
  const auto data = shared_data();
  if (data.empty()) GTEST_SKIP() << "the real data sets are not on this machine (TSREC_TEST_DATA)";
  TestContext context;
  const auto file =
      data / "minionerec-industrial" / "Industrial_and_Scientific.description_keywords.json";
  const std::vector<TokenCluster> clusters = {{"<a_108>", 0, 108, {0}}, {"<c_255>", 2, 255, {0}}};
  const auto notes = make_part<Extractor>("published", context, {{"file", file.string()}})
                         ->extract(clusters, make_items({"x"}), context);
  EXPECT_GE(notes[0].keywords.size(), 18u);
  EXPECT_LE(notes[1].keywords.size(), 26u);
}

}  // namespace
}  // namespace tsrec::test
