#include "tsrec/sid.hpp"

#include <random>

#include "support/support.hpp"

namespace tsrec::test {
namespace {

SidTable random_sids(int64_t items, int64_t levels, int64_t codes) {
  SidTable sids;
  sids.sizes.assign(static_cast<size_t>(levels), codes);
  sids.code_NL =
      torch::randint(codes, {items, levels}, at::detail::createCPUGenerator(3), torch::kInt64);
  return sids;
}

TEST(SidTable, TextsAndTokensParseBack) {
  SidTable sids = random_sids(20, 3, 300);
  sids.code_NL[4][2] = -1;  // a shorter SID
  for (int64_t item = 0; item < 20; ++item) {
    std::string rest = sids.text(item);
    for (int64_t level = 0; level < (item == 4 ? 2 : 3); ++level) {
      const size_t end = rest.find('>') + 1;
      const LevelCode parsed = sids.spelling.parse(rest.substr(0, end));
      EXPECT_EQ(parsed.level, level);
      EXPECT_EQ(parsed.code, sids.code_NL[item][level].item<int64_t>());
      rest = rest.substr(end);
    }
    EXPECT_EQ(rest, "");
  }
}

TEST(SidSpelling, MalformedTokensAreRefusedByName) {
  for (const char* bad : {"", "<a_>", "a_1", "<A_1>", "<a-1>", "<a_1", "<a_1x>", "<a_-1>", "<ab_1>",
                          "<a_01>", "<a_99999999999999999999>", "<{_1>"}) {
    EXPECT_TRUE(contains(message_of<DataError>([&] { SidSpelling().parse(bad); }),
                         c10::str("'", bad, "' is no SID token; expected one such as <a_236>")));
  }
}

TEST(SidSpelling, FormatsSayWhatATokenLooksLike) {
  const std::map<std::string, std::string> third_of_12 = {
      {"<{level:a}_{code}>", "<c_12>"},
      {"<|sid_begin|> <s_{level:a}_{code}> <|sid_end|>", "<s_c_12>"},
      {"[{level:A}{code}]", "[C12]"},
      {"{code}/{level:a};", "12/c;"},
      {"<{level:0}-{code}>", "<2-12>"},
      {"L{level:1}C{code}x", "L3C12x"},
      {"{level:a}{code}", "c12"}};
  for (const auto& [format, token] : third_of_12) {
    const SidSpelling spelling(format);
    EXPECT_EQ(spelling.token(2, 12), token);
    EXPECT_EQ(spelling.format(), format);
    const LevelCode parsed = spelling.parse(token);
    EXPECT_EQ(parsed.level, 2) << format;
    EXPECT_EQ(parsed.code, 12) << format;
  }
}

// Random SIDs in every spelling, as tokens and as one text, read back as they were written.
TEST(SidSpelling, WholeSidsReadBackFromTokensAndFromText) {
  std::mt19937_64 random(std::random_device{}());
  for (const std::string before : {"", "<|sid_begin|>", "SID:"}) {
    for (const std::string level : {"<{level:a}_{code}>", "<s_{level:A}_{code}>", "{level:a}{code}",
                                    "({level:0},{code})", "<{code}.{level:1}>"}) {
      for (const std::string behind : {"", "<|sid_end|>"}) {
        const SidSpelling spelling(before + " " + level + " " + behind);
        std::vector<int64_t> codes(1 + random() % 9);
        std::vector<std::string> tokens;
        if (!before.empty()) tokens.push_back(before);
        for (size_t l = 0; l < codes.size(); ++l) {
          codes[l] = static_cast<int64_t>(random() % 2000);
          tokens.push_back(spelling.token(static_cast<int64_t>(l), codes[l]));
        }
        if (!behind.empty()) tokens.push_back(behind);
        EXPECT_EQ(spelling.codes(tokens), codes);
        EXPECT_EQ(spelling.codes(c10::Join("", tokens)), codes) << spelling.format();
      }
    }
  }
}

TEST(SidSpelling, WrongSidsSayWhatWasExpected) {
  const SidSpelling framed("<|b|> <s_{level:a}_{code}> <|e|>");
  const auto complaint = [&](const std::vector<std::string>& tokens) {
    return message_of<DataError>([&] { framed.codes(tokens); });
  };
  EXPECT_TRUE(contains(complaint({"<s_a_1>", "<s_b_2>", "<|e|>"}), "'<s_a_1>' at place 1"));
  EXPECT_TRUE(contains(complaint({"<|b|>", "<s_a_1>", "<s_b_2>"}), "'<s_b_2>' at place 3"));
  EXPECT_TRUE(contains(complaint({"<|b|>", "<s_b_1>", "<|e|>"}),
                       "<s_b_1> is out of order; expected one such as <s_a_1>"));
  EXPECT_TRUE(contains(complaint({"<|b|>", "<a_1>", "<|e|>"}), "'<a_1>' is no SID token"));
  EXPECT_TRUE(contains(complaint({"<|b|>", "<|e|>"}), "no tokens of levels"));
  EXPECT_TRUE(contains(complaint({}), "nothing at place 1"));
  for (const char* text : {"", "<s_a_1>", "<|b|><s_a_1><|e|>x", "<|b|><s_a_1>,<s_b_1><|e|>"})
    EXPECT_THROW(framed.codes(std::string_view(text)), DataError) << text;
}

TEST(SidSpelling, FormatsThatCannotBeReadAreRefused) {
  for (const char* bad :
       {"", "<a_1>", "<{level:a}>", "<{code}>", "<{level:b}_{code}>", "{level:a} {code}",
        "<{level:a}_{code}> <{level:a}_{code}>", "<{level:a}_{code}_{code}>", "<{level:a_{code}>",
        "{level:0}{code}.", "{code}{level:1}.", "<{level:1}2{code}>", "{level:1}-{code}",
        "3{level:a}_{code}"}) {
    EXPECT_TRUE(contains(message_of<ConfigError>([&] { SidSpelling{bad}; }),
                         c10::str("the SID format \"", bad, "\"")))
        << bad;
  }
}

TEST(Vocabulary, HasTheTokensAsTheSidsSpellThem) {
  SidTable sids = random_sids(30, 2, 6);
  const SidTable plain = sids;
  sids.spelling = SidSpelling("<|sid_begin|> <s_{level:a}_{code}> <|sid_end|>");
  const Vocabulary vocabulary(sids, 1000);
  ASSERT_EQ(vocabulary.tokens().size(), Vocabulary(plain, 1000).tokens().size());
  for (const NewToken& token : vocabulary.tokens())
    EXPECT_EQ(token.text, c10::str("<s_", token.level == 0 ? "a" : "b", "_", token.code, ">"));
  EXPECT_EQ(sids.text(3), c10::str("<s_a_", sids.code_NL[3][0].item<int64_t>(), "><s_b_",
                                   sids.code_NL[3][1].item<int64_t>(), ">"));
}

TEST(SidTable, GroupsAreExactlyEqualSids) {
  const SidTable sids = random_sids(60, 2, 5);
  const std::vector<int64_t> group = sids.group_N();
  for (int64_t i = 0; i < 60; ++i) {
    for (int64_t j = 0; j < 60; ++j) {
      EXPECT_EQ(group[static_cast<size_t>(i)] == group[static_cast<size_t>(j)],
                torch::equal(sids.code_NL[i], sids.code_NL[j]));
    }
  }
  EXPECT_EQ(sids.num_distinct(), std::get<0>(at::unique_dim(sids.code_NL, 0)).size(0));
}

TEST(SidTable, FingerprintSeesEveryCodeAndKey) {
  SidTable sids = random_sids(3, 3, 9);
  const std::string before = sids.fingerprint({"x", "y", "z"});
  EXPECT_EQ(before, sids.fingerprint({"x", "y", "z"}));
  EXPECT_NE(before, sids.fingerprint({"x", "z", "y"}));
  sids.code_NL[1][1] = 9;
  EXPECT_NE(before, sids.fingerprint({"x", "y", "z"}));
}

TEST(Vocabulary, TokensThatAreThereKeepTheirIdsAndOthersFollow) {
  const SidTable sids = random_sids(40, 3, 30);
  const Vocabulary fresh(sids, 1000);
  const auto is_there = [](std::string_view token) { return token.size() % 2 == 0; };
  const Vocabulary mixed(sids, 1000, [&](std::string_view token) {
    return is_there(token)
               ? std::optional(static_cast<int32_t>(std::hash<std::string_view>{}(token) % 1000))
               : std::nullopt;
  });
  ASSERT_EQ(mixed.tokens().size(), fresh.tokens().size());
  int32_t next = 1000;
  for (size_t i = 0; i < mixed.tokens().size(); ++i) {
    const NewToken& token = mixed.tokens()[i];
    EXPECT_EQ(token.text, fresh.tokens()[i].text);
    EXPECT_EQ(token.is_known, is_there(token.text));
    EXPECT_FALSE(fresh.tokens()[i].is_known);
    const int32_t expected =
        token.is_known ? static_cast<int32_t>(std::hash<std::string_view>{}(token.text) % 1000)
                       : next++;
    EXPECT_EQ(token.id, expected);
    EXPECT_EQ(mixed.id(token.level, token.code), token.id);
  }
  EXPECT_GT(next, 1000);
  EXPECT_LT(next, 1000 + static_cast<int32_t>(mixed.tokens().size()));
}

TEST(Vocabulary, IdsAscendLevelByLevelOverTheUsedCodes) {
  const SidTable sids = random_sids(40, 3, 30);
  const Vocabulary vocabulary(sids, 1000);
  int32_t next = 1000;
  for (int64_t level = 0; level < 3; ++level) {
    std::set<int64_t> used;
    for (int64_t item = 0; item < 40; ++item)
      used.insert(sids.code_NL[item][level].item<int64_t>());
    for (const int64_t code : used) {
      EXPECT_EQ(vocabulary.tokens()[static_cast<size_t>(next - 1000)].text,
                SidSpelling().token(level, code));
      EXPECT_EQ(vocabulary.id(level, code), next++);
    }
  }
  EXPECT_EQ(vocabulary.id(0, 31), -1);
  EXPECT_EQ(static_cast<int64_t>(vocabulary.tokens().size()), next - 1000);
  const auto ids = vocabulary.ids(sids, 7);
  for (size_t level = 0; level < 3; ++level) {
    const NewToken& token = vocabulary.tokens()[static_cast<size_t>(ids[level] - 1000)];
    EXPECT_EQ(token.code, sids.code_NL[7][static_cast<int64_t>(level)].item<int64_t>());
  }
}

TEST(TokenClusters, HoldTheItemsWhoseSidContainsTheToken) {
  const SidTable sids = random_sids(30, 2, 6);
  int64_t members = 0;
  for (const TokenCluster& cluster : token_clusters(sids)) {
    EXPECT_FALSE(cluster.items.empty());
    members += static_cast<int64_t>(cluster.items.size());
    for (const int64_t item : cluster.items)
      EXPECT_NE(sids.text(item).find(cluster.token), std::string::npos);
  }
  EXPECT_EQ(members, 60);
}

}  // namespace
}  // namespace tsrec::test
