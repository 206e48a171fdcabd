#include "tsrec/sid.hpp"

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
      const LevelCode parsed = parse_sid_token(rest.substr(0, end));
      EXPECT_EQ(parsed.level, level);
      EXPECT_EQ(parsed.code, sids.code_NL[item][level].item<int64_t>());
      rest = rest.substr(end);
    }
    EXPECT_EQ(rest, "");
  }
}

TEST(SidTable, MalformedTokensAreRefusedByName) {
  for (const char* bad :
       {"", "<a_>", "a_1", "<A_1>", "<a-1>", "<a_1", "<a_1x>", "<a_-1>", "<ab_1>"}) {
    EXPECT_NE(message_of<DataError>([&] { parse_sid_token(bad); }).find(c10::str("'", bad, "'")),
              std::string::npos);
  }
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
                SidTable::token(level, code));
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
