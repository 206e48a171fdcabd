// Which answers a target is preferred to: the draws against their distributions, listed one by one.
#include "../../../plugins/trainer/preference/negatives.hpp"

#include <set>

#include "support/support.hpp"

namespace tsrec::test {
namespace {

using preference::Answers;
using preference::Negatives;

at::Generator stream(int64_t number) {
  return at::detail::createCPUGenerator(static_cast<uint64_t>(number));
}

// Forty items with random SIDs of two or three levels, some of them shared, and random samples that
// never ask for some items.
struct Catalogue {
  SidTable sids;
  Vocabulary vocabulary;
  Trie trie;
  std::vector<int64_t> count_N = std::vector<int64_t>(40, 0);  // of each item as a target
  Samples train;

  explicit Catalogue(int64_t seed) {
    const at::Generator generator = stream(seed);
    sids.sizes = {4, 5, 5};
    sids.code_NL = torch::randint(4, {40, 3}, generator, torch::kInt64);
    for (int64_t item = 0; item < 40; ++item) {
      if (sids.code_NL[item][1].item<int64_t>() != 0) continue;
      sids.code_NL[item][1] = 4;  // SIDs of two levels are no beginning of others
      sids.code_NL[item][2] = -1;
    }
    vocabulary = Vocabulary(sids, /*first_id=*/100);
    trie = Trie::build(sids, vocabulary);
    const torch::Tensor target_S = torch::randint(30, {300}, generator, torch::kInt64);
    SamplesBuilder builder;
    for (int64_t row = 0; row < 300; ++row) {
      const int64_t target =
          target_S[row].item<int64_t>() * target_S[299 - row].item<int64_t>() / 30;
      const std::vector<int64_t> history = {39};
      builder.add(row, history, target, row);
      ++count_N[static_cast<size_t>(target)];
    }
    train = builder.build();
  }

  std::vector<int32_t> tokens(int64_t item) const { return vocabulary.ids(sids, item); }
  // Distinct SIDs, and how often one of their items is a target.
  std::map<std::vector<int32_t>, int64_t> count_of_sid() const {
    std::map<std::vector<int32_t>, int64_t> counts;
    for (int64_t item = 0; item < 40; ++item)
      counts[tokens(item)] += count_N[static_cast<size_t>(item)];
    return counts;
  }
};

int64_t common_length(const std::vector<int32_t>& left, const std::vector<int32_t>& right) {
  const auto [l, r] = std::mismatch(left.begin(), left.end(), right.begin(), right.end());
  return l - left.begin();
}

TEST(Answers, AreTheSidsOfTheCatalogue) {
  for (int64_t seed = 0; seed < 5; ++seed) {
    const Catalogue catalogue(seed);
    const auto counts = catalogue.count_of_sid();
    const Answers answers(catalogue.trie);
    ASSERT_EQ(answers.size(), static_cast<int64_t>(counts.size()));
    ASSERT_LT(answers.size(), 40);  // some are shared
    int64_t number = 0;
    for (const auto& [tokens, count] : counts) {
      EXPECT_EQ(answers.tokens(number), tokens);
      EXPECT_EQ(answers.find(tokens), number);
      EXPECT_EQ(answers.counts(catalogue.train)[static_cast<size_t>(number)], count);
      EXPECT_EQ(answers.find(std::span(tokens).first(tokens.size() - 1)), -1);
      for (int64_t length = 0; length <= static_cast<int64_t>(tokens.size()); ++length) {
        const auto [begin, end] = answers.alike(number, length);
        for (int64_t other = 0; other < answers.size(); ++other)
          EXPECT_EQ(begin <= other && other < end,
                    common_length(tokens, answers.tokens(other)) >= length);
      }
      ++number;
    }
    EXPECT_EQ(answers.find(std::vector<int32_t>{1, 2, 3}), -1);
    EXPECT_EQ(answers.find(std::vector<int32_t>{}), -1);
  }
}

// How often each answer is the first, and how often the second of two that are drawn.
struct Drawn {
  std::vector<double> first, second;
};
Drawn share_of_draws(const Negatives& negatives, int64_t target, int64_t num_answers,
                     int64_t draws) {
  Drawn drawn{std::vector<double>(static_cast<size_t>(num_answers)),
              std::vector<double>(static_cast<size_t>(num_answers))};
  for (int64_t i = 0; i < draws; ++i) {
    const std::vector<int64_t> two = negatives.draw(target, 2, stream(1000 + i));
    EXPECT_NE(two[0], two[1]);
    drawn.first[static_cast<size_t>(two[0])] += 1.0 / static_cast<double>(draws);
    drawn.second[static_cast<size_t>(two[1])] += 1.0 / static_cast<double>(draws);
  }
  return drawn;
}

// Without putting back: p(i) = w_i / W, p(j, then i) = w_j / W * w_i / (W - w_j), W without the
// target's weight.
Drawn expected_draws(const std::vector<int64_t>& weights, int64_t target) {
  double total = 0;
  for (const int64_t weight : weights) total += static_cast<double>(weight);
  total -= static_cast<double>(weights[static_cast<size_t>(target)]);
  Drawn expected{std::vector<double>(weights.size()), std::vector<double>(weights.size())};
  for (size_t i = 0; i < weights.size(); ++i) {
    if (static_cast<int64_t>(i) == target) continue;
    expected.first[i] = static_cast<double>(weights[i]) / total;
    for (size_t j = 0; j < weights.size(); ++j) {
      if (j == i || static_cast<int64_t>(j) == target) continue;
      expected.second[i] += static_cast<double>(weights[j]) / total *
                            static_cast<double>(weights[i]) /
                            (total - static_cast<double>(weights[j]));
    }
  }
  return expected;
}

void expect_shares(const std::vector<double>& seen, const std::vector<double>& expected,
                   int64_t draws) {
  for (size_t i = 0; i < seen.size(); ++i) {
    const double deviation =
        std::sqrt(expected[i] * (1 - expected[i]) / static_cast<double>(draws));
    EXPECT_NEAR(seen[i], expected[i], 5 * deviation + 1e-9) << "answer " << i;
    if (expected[i] == 0) {
      EXPECT_EQ(seen[i], 0);
    }
  }
}

TEST(Negatives, FollowTheirDistributionAndNeverHoldTheTarget) {
  constexpr int64_t kDraws = 20000;
  const Catalogue catalogue(7);
  const Answers answers(catalogue.trie);
  const std::vector<int64_t> counts = answers.counts(catalogue.train);
  ASSERT_TRUE(std::ranges::count(counts, 0) > 0);
  const auto most = std::ranges::max_element(counts) - counts.begin();
  for (const bool is_popular : {false, true}) {
    const Negatives negatives(answers, is_popular ? "popular" : "random", catalogue.train);
    const std::vector<int64_t> weights =
        is_popular ? counts : std::vector<int64_t>(counts.size(), 1);
    EXPECT_EQ(negatives.num_possible(), answers.size() - std::ranges::count(weights, 0));
    const int64_t some = answers.size() / 2;
    for (const int64_t target : {int64_t{0}, some, static_cast<int64_t>(most)}) {
      const Drawn seen = share_of_draws(negatives, target, answers.size(), kDraws);
      const Drawn expected = expected_draws(weights, target);
      expect_shares(seen.first, expected.first, kDraws);
      expect_shares(seen.second, expected.second, kDraws);
    }
  }
}

// All others: each of them once.
TEST(Negatives, AsManyAsThereAreAreAllOfThem) {
  const Catalogue catalogue(3);
  const Answers answers(catalogue.trie);
  for (const char* kind : {"random", "hard_prefix"}) {
    const Negatives negatives(answers, kind, catalogue.train);
    const std::vector<int64_t> all = negatives.draw(4, answers.size() - 1, stream(1));
    const std::set<int64_t> distinct(all.begin(), all.end());
    EXPECT_EQ(static_cast<int64_t>(distinct.size()), answers.size() - 1);
    EXPECT_FALSE(distinct.contains(4));
    EXPECT_EQ(negatives.draw(4, answers.size() - 1, stream(1)), all);
    EXPECT_NE(negatives.draw(4, answers.size() - 1, stream(2)), all);
    EXPECT_EQ(message_of<Error>([&] { negatives.draw(4, answers.size(), stream(1)); }),
              c10::str("there are no ", answers.size(), " other answers to draw"));
  }
}

TEST(Negatives, HardOnesShareTheLongestBeginning) {
  const Catalogue catalogue(11);
  const Answers answers(catalogue.trie);
  const Negatives negatives(answers, "hard_prefix", catalogue.train);
  for (int64_t target = 0; target < answers.size(); ++target) {
    const auto shared_with = [&](int64_t other) {
      return common_length(answers.tokens(target), answers.tokens(other));
    };
    std::vector<int64_t> longest;
    for (int64_t other = 0; other < answers.size(); ++other)
      if (other != target) longest.push_back(shared_with(other));
    std::sort(longest.begin(), longest.end(), std::greater<>());
    for (int64_t count = 1; count < 8; ++count) {
      std::vector<int64_t> shared;
      for (const int64_t other : negatives.draw(target, count, stream(100 * target + count)))
        shared.push_back(shared_with(other));
      EXPECT_EQ(shared, std::vector<int64_t>(longest.begin(), longest.begin() + count));
    }
  }
  // Among equals all are drawn alike.
  const int64_t target = answers.size() / 3;
  std::vector<int64_t> weights(static_cast<size_t>(answers.size()), 0);
  int64_t longest = 0;
  for (int64_t other = 0; other < answers.size(); ++other)
    if (other != target)
      longest = std::max(longest, common_length(answers.tokens(target), answers.tokens(other)));
  for (int64_t other = 0; other < answers.size(); ++other)
    weights[static_cast<size_t>(other)] =
        other != target && common_length(answers.tokens(target), answers.tokens(other)) == longest;
  constexpr int64_t kDraws = 5000;
  expect_shares(share_of_draws(negatives, target, answers.size(), kDraws).first,
                expected_draws(weights, target).first, kDraws);
}

}  // namespace
}  // namespace tsrec::test
