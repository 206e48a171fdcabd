// Ranks of targets as an evaluation stores them, and where they go between two models.
#include "report/movement.hpp"

#include <random>

#include "support/support.hpp"
#include "tsrec/parts/metric.hpp"

namespace tsrec::test {
namespace {

using host::Movement;
using host::Popularity;
using host::TargetRanks;

std::mt19937_64& numbers() {
  static std::mt19937_64 random(std::random_device{}());
  return random;
}
int64_t below(int64_t end) {
  return static_cast<int64_t>(numbers()() % static_cast<uint64_t>(end));
}

constexpr int64_t kItems = 14, kPlaces = 9;

// 14 items, of which some share a SID; lists of SIDs in random order, cut behind 9 items.
struct World {
  World() {
    std::vector<int64_t> code;
    for (int64_t item = 0; item < kItems; ++item) code.push_back(below(6));
    sids = {torch::tensor(code).unsqueeze(1), {6}};
    std::vector<std::string> keys;
    for (int64_t item = 0; item < kItems; ++item) keys.push_back(c10::str("i", item));
    data.items = Items(keys);
    data.valid = data.test = Samples::empty();
    SamplesBuilder train;
    for (int row = 0; row < 60; ++row)
      train.add(0, std::vector<int64_t>{0}, std::min(below(kItems), below(kItems)), row);
    data.train = train.build();
    SamplesBuilder asked;
    for (int64_t row = 0; row < 50; ++row)
      asked.add(row, std::vector<int64_t>{0}, below(kItems), row);
    samples = asked.build();
  }

  Rankings rankings() const {
    const std::vector<int64_t> group_N = sids.group_N();
    Rankings lists;
    lists.item_SM = torch::full({samples.size(), kPlaces}, -1, torch::kInt64);
    lists.leaf_SM = lists.item_SM.clone();
    for (int64_t row = 0; row < samples.size(); ++row) {
      std::vector<int64_t> groups(6);
      std::iota(groups.begin(), groups.end(), 0);
      std::shuffle(groups.begin(), groups.end(), numbers());
      int64_t place = 0;
      for (const int64_t group : groups) {
        for (int64_t item = 0; item < kItems && place < kPlaces; ++item) {
          if (group_N[static_cast<size_t>(item)] != group) continue;
          lists.item_SM[row][place] = item;
          lists.leaf_SM[row][place++] = group;
        }
      }
    }
    return lists;
  }

  SidTable sids;
  Dataset data;
  Samples samples;
};

TargetRanks random_ranks(int64_t rows, int64_t length, const torch::Tensor& popularity_S) {
  std::vector<int64_t> rank;
  for (int64_t row = 0; row < rows; ++row) rank.push_back(below(length + 1));
  return {torch::tensor(rank), popularity_S, length};
}

TEST(TargetRanks, ARowOfRankKIsAHitAtK) {
  TestContext context;
  for (int trial = 0; trial < 20; ++trial) {
    const World world;
    const Rankings rankings = world.rankings();
    const Evaluation evaluation{rankings, world.samples, world.data, &world.sids};
    const TargetRanks ranks = host::target_ranks(evaluation);
    EXPECT_EQ(ranks.length, kPlaces);
    const auto metric = make_part<Metric>("hr", context, {{"k", "1 2 3 4 5 6 7 8 9"}});
    const Numbers hits = metric->measure(evaluation, context);
    for (int64_t k = 1; k <= kPlaces; ++k) {
      const auto number = std::find_if(hits.begin(), hits.end(), [&](const Number& one) {
        return one.name == c10::str("item.hr@", k);
      });
      ASSERT_NE(number, hits.end());
      for (int64_t row = 0; row < world.samples.size(); ++row) {
        const int64_t rank = ranks.rank_S[row].item<int64_t>();
        EXPECT_EQ(rank >= 1 && rank <= k, number->row_S[row].item<double>() > 0.5)
            << "rank " << rank << " at " << k;
      }
    }
  }
}

TEST(TargetRanks, QuantilesCountTargetsInNoListBehindItsEnd) {
  const auto quantiles = [](const std::vector<int64_t>& ranks) {
    std::vector<double> values;
    for (const Number& number : host::rank_quantiles({torch::tensor(ranks), {}, 20}))
      values.push_back(number.value);
    return values;
  };
  EXPECT_EQ(quantiles({0, 3, 1, 7, 0, 9, 2, 0, 0, 12}), (std::vector<double>{1, 3, 9}));
  EXPECT_EQ(quantiles({4}), (std::vector<double>{4, 4, 4}));
  EXPECT_EQ(quantiles({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6}), (std::vector<double>{21, 21, 21}));
  EXPECT_TRUE(quantiles({}).empty());
  // Among random ones: at least so many per cent at it or before, and fewer before it.
  const TargetRanks random = random_ranks(157, 20, {});
  for (const Number& number : host::rank_quantiles(random)) {
    const double share = std::stod(number.name.substr(number.name.rfind('q') + 1)) / 100;
    int64_t before = 0, until = 0;
    for (int64_t row = 0; row < 157; ++row) {
      const int64_t rank = random.rank_S[row].item<int64_t>();
      const auto place = static_cast<double>(rank > 0 ? rank : 21);
      before += place < number.value;
      until += place <= number.value;
    }
    EXPECT_GE(static_cast<double>(until), share * 157) << number.name;
    EXPECT_LT(static_cast<double>(before), share * 157) << number.name;
  }
}

TEST(TargetRanks, PopularityIsThirdsOfTheTrainingRows) {
  const World world;
  const auto popularity = host::popularity_of_items(world.data.train, kItems);
  std::vector<int64_t> count(kItems, 0);
  for (int64_t row = 0; row < world.data.train.size(); ++row)
    ++count[static_cast<size_t>(world.data.train.target(row))];
  for (size_t item = 0; item < count.size(); ++item) {
    int64_t above = 0;
    for (const int64_t other : count) above += other > count[item] ? other : 0;
    const Popularity wanted = above < 20   ? Popularity::head
                              : above < 40 ? Popularity::mid
                                           : Popularity::tail;
    EXPECT_EQ(popularity[item], wanted) << item;
  }
}

TEST(Movement, CountsEveryRowOnce) {
  for (const int64_t length : {1, 4, 20, 60}) {
    constexpr int64_t kRows = 300;
    std::vector<int64_t> group;
    for (int64_t row = 0; row < kRows; ++row) group.push_back(below(3));
    const torch::Tensor popularity_S = torch::tensor(group);
    const TargetRanks before = random_ranks(kRows, length, popularity_S),
                      after = random_ranks(kRows, length, popularity_S);
    const Movement moved = host::movement(before, after);
    // By name: "1", "4-5", "out".
    const auto is_in = [](int64_t rank, const std::string& bin) {
      if (bin == "out") return rank == 0;
      const size_t dash = bin.find('-');
      const int64_t first = std::stoll(bin),
                    last = dash == std::string::npos ? first : std::stoll(bin.substr(dash + 1));
      return rank >= first && rank <= last;
    };
    const auto at = [](const torch::Tensor& x_S, int64_t row) { return x_S[row].item<int64_t>(); };
    int64_t all = 0;
    for (size_t from = 0; from < moved.bins.size(); ++from) {
      for (size_t to = 0; to < moved.bins.size(); ++to) {
        int64_t rows = 0;
        for (int64_t row = 0; row < kRows; ++row)
          rows += is_in(at(before.rank_S, row), moved.bins[from]) &&
                  is_in(at(after.rank_S, row), moved.bins[to]);
        EXPECT_EQ(moved.from_to[from][to], rows) << moved.bins[from] << " to " << moved.bins[to];
        all += rows;
      }
    }
    EXPECT_EQ(all, kRows);
    EXPECT_EQ(moved.hit_rank, std::min<int64_t>(10, length));
    ASSERT_EQ(moved.by_popularity.size(), 4u);
    for (size_t g = 0; g < 4; ++g) {
      Movement::Group wanted;
      for (int64_t row = 0; row < kRows; ++row) {
        if (g < 3 && at(popularity_S, row) != static_cast<int64_t>(g)) continue;
        const auto hit = [&](const TargetRanks& ranks) {
          const int64_t rank = at(ranks.rank_S, row);
          return rank >= 1 && rank <= moved.hit_rank;
        };
        ++wanted.rows;
        wanted.before += hit(before);
        wanted.after += hit(after);
        wanted.gained += hit(after) && !hit(before);
        wanted.lost += hit(before) && !hit(after);
      }
      const Movement::Group& group_found = moved.by_popularity[g];
      EXPECT_EQ(group_found.name, (std::array{"head", "mid", "tail", "all"}[g]));
      EXPECT_EQ(group_found.rows, wanted.rows);
      EXPECT_EQ(group_found.before, wanted.before);
      EXPECT_EQ(group_found.after, wanted.after);
      EXPECT_EQ(group_found.gained, wanted.gained);
      EXPECT_EQ(group_found.lost, wanted.lost);
    }
  }
}

TEST(Movement, BinsEndWhereTheListsDo) {
  const torch::Tensor none = torch::zeros({1}, torch::kInt64);
  const auto bins = [&](int64_t length) {
    return c10::str(c10::Join(" ", host::movement({none, none, length}, {none, none, 99}).bins));
  };
  EXPECT_EQ(bins(20), "1 2-3 4-5 6-10 11-20 out");
  EXPECT_EQ(bins(50), "1 2-3 4-5 6-10 11-20 21-50 out");
  EXPECT_EQ(bins(4), "1 2-3 4 out");
  EXPECT_EQ(bins(70), "1 2-3 4-5 6-10 11-20 21-50 51-70 out");
  const torch::Tensor two = torch::zeros({2}, torch::kInt64);
  EXPECT_THROW(host::movement({none, none, 20}, {two, two, 20}), Error);
}

}  // namespace
}  // namespace tsrec::test
