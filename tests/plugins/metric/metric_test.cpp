#include "tsrec/parts/metric.hpp"

#include <random>

#include "support/support.hpp"
#include "tsrec/decode/decoder.hpp"

namespace tsrec::test {
namespace {

Items make_items(int64_t count) {
  std::vector<std::string> keys;
  for (int64_t i = 0; i < count; ++i) keys.push_back(std::to_string(i));
  return Items(keys);
}

struct Lists {
  Dataset data;
  SidTable sids;
  Rankings rankings;
  Samples samples;
  TestContext context;
  std::map<std::string, Better> better;  // of all that was measured

  std::map<std::string, double> measure(const std::string& metric, const std::string& k,
                                        bool with_sids = true) {
    std::map<std::string, double> values;
    const auto part =
        make_part<Metric>(metric, context,
                          metric == "illegal_rate" ? std::map<std::string, std::string>{}
                                                   : std::map<std::string, std::string>{{"k", k}});
    for (const Number& number :
         part->measure({rankings, samples, data, with_sids ? &sids : nullptr}, context)) {
      values[number.name] = number.value;
      better[number.name] = number.better;
      if (number.row_S.defined()) {
        EXPECT_NEAR(number.row_S.mean().item<double>(), number.value, 1e-12);
      }
    }
    return values;
  }
};

Samples targets(const std::vector<int64_t>& items) {
  SamplesBuilder builder;
  for (size_t row = 0; row < items.size(); ++row)
    builder.add(static_cast<int64_t>(row), std::vector<int64_t>{0}, items[row], 0);
  return builder.build();
}

// Groups of sizes 1, 3, 2, 1; the target in the third: K = 5 gives .5 and .1934, K = 10 gives 1 and
// .3715.
TEST(Ranking, CollidingItemsCountByExpectation) {
  Lists lists;
  lists.data.items = make_items(7);
  lists.sids.sizes = {4};
  lists.sids.code_NL = torch::tensor({{0}, {1}, {1}, {1}, {2}, {2}, {3}}, torch::kInt64);
  lists.rankings.item_SM = torch::arange(7).unsqueeze(0);
  lists.rankings.leaf_SM = lists.sids.code_NL.t();
  lists.samples = targets({5});
  const auto hr = lists.measure("hr", "3 5 10"), ndcg = lists.measure("ndcg", "3 5 10");
  EXPECT_EQ(hr.at("item.hr@3"), 0);
  EXPECT_NEAR(hr.at("item.hr@5"), 0.5, 1e-12);
  EXPECT_NEAR(hr.at("item.hr@10"), 1, 1e-12);
  EXPECT_NEAR(ndcg.at("item.ndcg@5"), 0.1934, 5e-5);
  EXPECT_NEAR(ndcg.at("item.ndcg@10"), 0.3715, 5e-5);
  EXPECT_EQ(hr.at("sid.hr@3"), 1);  // third of the distinct SIDs
  EXPECT_NEAR(ndcg.at("sid.ndcg@3"), 0.5, 1e-12);
}

// The expectation by brute force: the mean over all orders inside the groups.
TEST(Ranking, ExpectationEqualsTheMeanOverAllOrders) {
  std::vector<int64_t> second = {1, 2, 3}, third = {4, 5};
  double hits = 0, gain = 0;
  int64_t orders = 0;
  do {
    do {
      const std::vector<int64_t> list = {0, second[0], second[1], second[2], third[0], third[1], 6};
      const auto place = std::find(list.begin(), list.end(), 2) - list.begin();
      hits += place < 3;
      gain += place < 3 ? 1 / std::log2(static_cast<double>(place) + 2) : 0;
      ++orders;
    } while (std::next_permutation(third.begin(), third.end()));
  } while (std::next_permutation(second.begin(), second.end()));
  Lists lists;
  lists.data.items = make_items(7);
  lists.sids.sizes = {4};
  lists.sids.code_NL = torch::tensor({{0}, {1}, {1}, {1}, {2}, {2}, {3}}, torch::kInt64);
  lists.rankings.item_SM = torch::arange(7).unsqueeze(0);
  lists.rankings.leaf_SM = lists.sids.code_NL.t();
  lists.samples = targets({2});
  EXPECT_NEAR(lists.measure("hr", "3").at("item.hr@3"), hits / static_cast<double>(orders), 1e-12);
  EXPECT_NEAR(lists.measure("ndcg", "3").at("item.ndcg@3"), gain / static_cast<double>(orders),
              1e-12);
}

TEST(Ranking, PlainListsFollowTheDefinitionOnRandomInput) {
  Lists lists;
  lists.data.items = make_items(50);
  const auto generator = at::detail::createCPUGenerator(4);
  std::vector<torch::Tensor> rows;
  std::vector<int64_t> wanted;
  for (int64_t row = 0; row < 40; ++row) {
    rows.push_back(torch::randperm(50, generator, torch::kInt64).slice(0, 0, 12));
    wanted.push_back(torch::randint(50, {1}, generator, torch::kInt64).item<int64_t>());
  }
  lists.rankings.item_SM = torch::stack(rows);
  lists.samples = targets(wanted);
  double hits = 0, gain = 0;
  for (int64_t row = 0; row < 40; ++row) {
    for (int64_t m = 0; m < 10; ++m) {
      if (lists.rankings.item_SM[row][m].item<int64_t>() != wanted[static_cast<size_t>(row)])
        continue;
      hits += 1.0 / 40;
      gain += 1 / std::log2(static_cast<double>(m) + 2) / 40;
    }
  }
  const auto hr = lists.measure("hr", "10", false);
  EXPECT_NEAR(hr.at("item.hr@10"), hits, 1e-12);
  EXPECT_FALSE(hr.contains("sid.hr@10"));
  EXPECT_NEAR(lists.measure("ndcg", "10", false).at("item.ndcg@10"), gain, 1e-12);
  lists.measure("hr", "20", false);
  EXPECT_NE(lists.context.messages.back().find("hr@20 looks at lists of 12"), std::string::npos);
}

TEST(Catalogue, CoverageAndIllegalRateAreShares) {
  Lists lists;
  lists.data.items = make_items(10);
  lists.rankings.item_SM = torch::tensor({{1, 2, 3}, {1, 4, -1}}, torch::kInt64);
  lists.samples = targets({1, 1});
  EXPECT_NEAR(lists.measure("coverage", "2", false).at("coverage@2"), 0.3, 1e-12);
  EXPECT_EQ(lists.measure("illegal_rate", "", false).at("illegal_rate"), 0);
  lists.rankings.num_illegal = 5;
  EXPECT_NEAR(lists.measure("illegal_rate", "", false).at("illegal_rate"), 0.5, 1e-12);
}

// Items 1 and 2 share a SID. Of seven answers one names no item, one an item by another item's SID,
// and two spell nothing.
TEST(Catalogue, EveryAnswerIsLookedUpInTheSidTable) {
  Lists lists;
  lists.data.items = make_items(4);
  lists.sids.sizes = {3};
  lists.sids.code_NL = torch::tensor({{0}, {1}, {1}, {2}}, torch::kInt64);
  lists.rankings.item_SM = torch::tensor({{1, 2, 0}, {3, 0, -1}}, torch::kInt64);
  lists.rankings.leaf_SM = torch::tensor({{1, 1, 0}, {2, 0, -1}}, torch::kInt64);
  lists.samples = targets({1, 1});
  EXPECT_EQ(lists.measure("illegal_rate", "").at("illegal_rate"), 0);
  lists.rankings.item_SM[0][2] = 4;
  lists.rankings.leaf_SM[1][0] = 1;
  lists.rankings.num_illegal = 2;
  EXPECT_NEAR(lists.measure("illegal_rate", "").at("illegal_rate"), 4.0 / 7, 1e-12);
}

// A report warns of losses by it.
TEST(Metrics, SayWhichWayIsBetter) {
  Lists lists;
  lists.data.items = make_items(3);
  lists.sids.sizes = {3};
  lists.sids.code_NL = torch::tensor({{0}, {1}, {2}}, torch::kInt64);
  lists.samples = targets({0});
  lists.rankings.item_SM = torch::tensor({{0, 1, 2}}, torch::kInt64);
  lists.rankings.leaf_SM = lists.rankings.item_SM;
  lists.rankings.certified_S = torch::tensor({3}, torch::kInt64);
  for (const char* metric : {"hr", "ndcg", "coverage", "illegal_rate", "certified"})
    lists.measure(metric, "3");
  for (const char* name : {"item.hr@3", "sid.hr@3", "item.ndcg@3", "sid.ndcg@3"})
    EXPECT_EQ(lists.better.at(name), Better::higher) << name;
  EXPECT_EQ(lists.better.at("illegal_rate"), Better::lower);
  for (const char* name : {"coverage@3", "certified@3"})
    EXPECT_EQ(lists.better.at(name), Better::unknown)
        << "neither way is better by itself: " << name;
}

TEST(Certified, CountsRowsWithEnoughProvenPlaces) {
  Lists lists;
  lists.data.items = make_items(3);
  lists.samples = targets({0, 1, 2, 0});
  lists.rankings.item_SM =
      torch::tensor({{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {0, 2, 1}}, torch::kInt64);
  EXPECT_TRUE(lists.measure("certified", "2").empty());
  lists.rankings.certified_S = torch::tensor({0, 3, 2, 1}, torch::kInt64);
  const auto numbers = lists.measure("certified", "1 2 3");
  EXPECT_EQ(numbers.at("certified@1"), 0.75);
  EXPECT_EQ(numbers.at("certified@2"), 0.5);
  EXPECT_EQ(numbers.at("certified@3"), 0.25);
}

// --- beyond accuracy, by formula on random lists

struct RandomLists : Lists {
  RandomLists() {
    data.items = make_items(kItems);
    sids.sizes = {3, 4};
    sids.code_NL = torch::stack({random(3, {kItems}), random(4, {kItems})}, 1);
    SamplesBuilder train, asked;
    for (int64_t row = 0; row < 50; ++row)
      train.add(0, std::vector<int64_t>{0}, random(12, {1}).item<int64_t>(), row);
    data.train = train.build();
    std::vector<torch::Tensor> lists;
    for (int64_t row = 0; row < kRows; ++row) {
      lists.push_back(torch::randperm(kItems, generator, torch::kInt64).slice(0, 0, 6));
      asked.add(row, std::vector<int64_t>{random(12, {1}).item<int64_t>(), 1},
                random(kItems, {1}).item<int64_t>(), 0);
    }
    rankings.item_SM = torch::stack(lists);
    rankings.item_SM[3].slice(0, 1, 6).fill_(-1);  // one item, and a row with none
    rankings.item_SM[4].fill_(-1);
    samples = asked.build();
  }
  torch::Tensor random(int64_t below, std::vector<int64_t> shape) {
    return torch::randint(below, shape, generator, torch::kInt64);
  }
  int64_t count(int64_t item) const { return (data.train.target_S == item).sum().item<int64_t>(); }
  std::vector<int64_t> head(int64_t row, int64_t k) const {
    std::vector<int64_t> items;
    for (int64_t m = 0; m < k; ++m) {
      const auto item = rankings.item_SM[row][m].item<int64_t>();
      if (item >= 0) items.push_back(item);
    }
    return items;
  }
  static constexpr int64_t kItems = 20, kRows = 15;
  at::Generator generator = at::detail::createCPUGenerator(std::random_device{}());
};

TEST(BeyondAccuracy, GiniIsTheMeanAbsoluteDifferenceOfExposures) {
  RandomLists lists;
  std::vector<double> shown(RandomLists::kItems, 0);
  double all = 0, apart = 0;
  for (int64_t row = 0; row < RandomLists::kRows; ++row) {
    for (const int64_t item : lists.head(row, 4)) {
      ++shown[static_cast<size_t>(item)];
      ++all;
    }
  }
  for (const double a : shown) {
    for (const double b : shown) apart += std::abs(a - b);
  }
  EXPECT_NEAR(lists.measure("gini", "4").at("gini@4"), apart / (2 * RandomLists::kItems * all),
              1e-12);
  lists.rankings.item_SM = torch::zeros({30, 1}, torch::kInt64);  // one item fills all lists
  EXPECT_NEAR(lists.measure("gini", "1").at("gini@1"), 1 - 1.0 / RandomLists::kItems, 1e-12);
  lists.rankings.item_SM = torch::arange(RandomLists::kItems).unsqueeze(1);
  EXPECT_NEAR(lists.measure("gini", "1").at("gini@1"), 0, 1e-12);
  lists.rankings.item_SM.fill_(-1);
  EXPECT_TRUE(lists.measure("gini", "1").empty());
}

TEST(BeyondAccuracy, NoveltyAndPopularityLiftFollowTheirFormulas) {
  RandomLists lists;
  double bits = 0, of_lists = 0, of_histories = 0;
  for (int64_t row = 0; row < RandomLists::kRows; ++row) {
    const std::vector<int64_t> items = lists.head(row, 5);
    if (items.empty()) continue;
    double own_bits = 0, own_count = 0;
    for (const int64_t item : items) {
      own_bits += std::log2(50.0 + RandomLists::kItems) -
                  std::log2(static_cast<double>(lists.count(item) + 1));
      own_count += static_cast<double>(lists.count(item));
    }
    bits += own_bits / static_cast<double>(items.size());
    of_lists += own_count / static_cast<double>(items.size());
    const auto history = lists.samples.history(row);
    of_histories += static_cast<double>(lists.count(history[0]) + lists.count(history[1])) / 2;
  }
  EXPECT_NEAR(lists.measure("novelty", "5").at("novelty@5"), bits / RandomLists::kRows, 1e-9);
  EXPECT_NEAR(lists.measure("popularity_lift", "5").at("popularity_lift@5"),
              of_lists / of_histories - 1, 1e-9);
  lists.data.train = Samples::empty();
  EXPECT_TRUE(lists.measure("popularity_lift", "5").empty()) << "nothing is popular";
}

TEST(BeyondAccuracy, DiversityIsTheMeanDistanceOfPairs) {
  RandomLists lists;
  const torch::Tensor vector_ND =
      torch::randn({RandomLists::kItems, 2, 3}, lists.generator, torch::kFloat32);
  lists.data.items.set_tensor("image", vector_ND);
  const torch::Tensor flat_ND = vector_ND.flatten(1).to(torch::kFloat64);
  double by_sid = 0, by_image = 0;
  for (int64_t row = 0; row < RandomLists::kRows; ++row) {
    const std::vector<int64_t> items = lists.head(row, 6);
    double sids_apart = 0, images_apart = 0, pairs = 0;
    for (const int64_t a : items) {
      for (const int64_t b : items) {
        if (a == b) continue;
        const auto same = [&](int64_t level) {
          return lists.sids.code_NL[a][level].equal(lists.sids.code_NL[b][level]);
        };
        sids_apart += !same(0) ? 1 : !same(1) ? 0.5 : 0;
        images_apart += 1 - torch::cosine_similarity(flat_ND[a], flat_ND[b], 0).item<double>();
        ++pairs;
      }
    }
    by_sid += pairs > 0 ? sids_apart / pairs : 0;
    by_image += pairs > 0 ? images_apart / pairs : 0;
  }
  EXPECT_NEAR(lists.measure("diversity", "6").at("diversity@6"), by_sid / RandomLists::kRows, 1e-9);
  const auto by = [&](const std::string& column, bool with_sids) {
    const auto part = make_part<Metric>("diversity", lists.context, {{"k", "6"}, {"by", column}});
    return part->measure(
        {lists.rankings, lists.samples, lists.data, with_sids ? &lists.sids : nullptr},
        lists.context);
  };
  EXPECT_EQ(by("image", false)[0].name, "diversity.image@6");
  EXPECT_NEAR(by("image", false)[0].value, by_image / RandomLists::kRows, 1e-6);
  EXPECT_TRUE(
      contains(message_of<ConfigError>([&] { by("sid", false); }), "this experiment has none"));
  EXPECT_TRUE(contains(message_of<ConfigError>([&] { by("sound", true); }), "they have image;"));
}

// Two SIDs with 3 and 1 to 1: the first row is right, the second one's target is second, the third
// one's in no list, and the fourth has no list.
TEST(Calibration, ErrorOverconfidenceAndBrierOfKnownScores) {
  Lists lists;
  lists.data.items = make_items(4);
  lists.sids.sizes = {3};
  lists.sids.code_NL = torch::tensor({{0}, {0}, {1}, {2}}, torch::kInt64);
  lists.rankings.item_SM =
      torch::tensor({{0, 1, 2}, {0, 1, 2}, {0, 1, 2}, {-1, -1, -1}}, torch::kInt64);
  lists.rankings.leaf_SM =
      torch::tensor({{0, 0, 1}, {0, 0, 1}, {0, 0, 1}, {-1, -1, -1}}, torch::kInt64);
  const float three = std::log(3.0F) - 5, one = -5;
  lists.rankings.score_SM = torch::tensor(
      {{three, three, one}, {three, three, one}, {three, three, one}, {0.0F, 0.0F, 0.0F}});
  lists.samples = targets({1, 2, 3, 0});
  const auto part = make_part<Metric>("calibration", lists.context, {{"bins", "4"}});
  std::map<std::string, Number> found;
  for (const Number& number :
       part->measure({lists.rankings, lists.samples, lists.data, &lists.sids}, lists.context))
    found[number.name] = number;
  // Three rows say .75 and one of them is right; the one without a list says 0, and is not.
  EXPECT_NEAR(found.at("calibration.ece").value, (3 * 0.75 - 1) / 4, 1e-6);
  EXPECT_NEAR(found.at("calibration.overconfidence").value, (3 * 0.75 - 1) / 4, 1e-6);
  const torch::Tensor brier_S =
      torch::tensor({2 * 0.0625, 2 * 0.5625, 0.5625 + 0.0625 + 1, 1.0}, torch::kFloat64);
  EXPECT_TRUE(found.at("calibration.brier").row_S.allclose(brier_S, 0, 1e-6));
  EXPECT_EQ(found.at("calibration.brier").better, Better::lower);
  EXPECT_EQ(found.at("calibration.ece").better, Better::lower);
  EXPECT_EQ(found.at("calibration.overconfidence").better, Better::unknown);
  lists.rankings.leaf_SM = torch::Tensor();
  EXPECT_TRUE(part->measure({lists.rankings, lists.samples, lists.data, &lists.sids}, lists.context)
                  .empty())
      << "a recommender's scores are no log-probabilities";
}

// A model that is as often right as it says: the error vanishes with many rows.
TEST(Calibration, AModelThatIsRightAsOftenAsItSaysHasNoError) {
  constexpr int64_t kRows = 20000;
  const auto generator = at::detail::createCPUGenerator(std::random_device{}());
  Lists lists;
  lists.data.items = make_items(2);
  lists.sids.sizes = {2};
  lists.sids.code_NL = torch::tensor({{0}, {1}}, torch::kInt64);
  const torch::Tensor sure_S = 0.5 + 0.5 * torch::rand({kRows}, generator);
  lists.rankings.item_SM = torch::tensor({{0, 1}}, torch::kInt64).repeat({kRows, 1});
  lists.rankings.leaf_SM = lists.rankings.item_SM;
  lists.rankings.score_SM = torch::stack({sure_S.log(), (1 - sure_S).log()}, 1);
  const torch::Tensor target_S = (torch::rand({kRows}, generator) >= sure_S).to(torch::kInt64);
  lists.samples =
      targets({target_S.const_data_ptr<int64_t>(), target_S.const_data_ptr<int64_t>() + kRows});
  const auto part = make_part<Metric>("calibration", lists.context, {});
  const Numbers found =
      part->measure({lists.rankings, lists.samples, lists.data, &lists.sids}, lists.context);
  EXPECT_LT(found[0].value, 0.03);
  EXPECT_NEAR(found[1].value, 0, 0.015);
  EXPECT_NEAR(found[2].value, (2 * sure_S * (1 - sure_S)).mean().item<double>(), 0.015);
}

std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t\r\n"), end = text.find_last_not_of(" \t\r\n");
  return begin == std::string::npos ? "" : text.substr(begin, end - begin + 1);
}

// The same toy world with titles of our own, asked as the metrics ask it.
struct Asked {
  kit::ToyWorld world;
  Dataset data = world.data;
  std::vector<std::string> title_N =
      std::vector<std::string>(static_cast<size_t>(world.data.items.size()));
  decode::Decoder decoder{*world.backbone, world.trie, {.beams = 5}};

  std::vector<std::vector<int32_t>> question(const std::string& form, const std::string& slot,
                                             const Piece& piece) const {
    Example example;
    example.form = form;
    example.slots = {{slot, {piece}}, {"answer", {Piece::text("x")}}};
    if (form == "title_to_sid") example.slots["answer"] = {Piece::sid(0)};
    return {world.compiler->compile(example).prompt};
  }
  std::map<std::string, double> measure(const std::string& metric, const OptionTexts& options) {
    data.items.set("title", title_N);
    const auto part = make_part<Metric>(metric, world.context, options);
    std::map<std::string, double> values;
    for (const Number& number : dynamic_cast<const NeedsDecoder&>(*part).measure_with(
             *world.backbone, {.data = data, .sids = world.sids, .notes = world.notes},
             *world.compiler, world.trie, world.context)) {
      values[number.name] = number.value;
    }
    return values;
  }
};

// Titles are what the model writes: every third item's its best text, the next one's its fourth,
// and the last one's is longer than anything it says.
TEST(Comprehension, ATitleCountsWhenTheModelWritesIt) {
  Asked asked;
  const text::Tokenizer& tokenizer = asked.world.compiler->tokenizer();
  double best = 0, any = 0, count = 0;
  for (int64_t item = 0; item < asked.data.items.size(); ++item) {
    const auto written = asked.decoder.write(
        asked.question("sid_to_title", "item", Piece::sid(item)),
        {.max_new_tokens = 5, .eos = tokenizer.eos(), .num_tokens = tokenizer.size()},
        asked.world.context);
    std::vector<std::string> texts;
    for (const auto& text : written.front()) texts.push_back(trimmed(tokenizer.decode(text)));
    ASSERT_EQ(texts.size(), 5u);
    const std::string title =
        item % 3 == 2 ? texts[0] + " and more than that" : texts[item % 3 == 0 ? 0 : 3];
    if (title.empty()) continue;
    asked.title_N[static_cast<size_t>(item)] = title;
    ++count;
    best += title == texts[0];
    any += std::find(texts.begin(), texts.end(), title) != texts.end();
  }
  ASSERT_GT(best, 0);
  ASSERT_GT(any, best);
  ASSERT_GT(count, any);
  const auto measured = asked.measure("sid_to_title_accuracy", {{"max_tokens", "5"}});
  EXPECT_NEAR(measured.at("sid_to_title.top1"), best / count, 1e-12);
  EXPECT_NEAR(measured.at("sid_to_title.any5"), any / count, 1e-12);
}

// Each text becomes the title of an item that the model names for it: the first, the third, or one
// that it does not name.
TEST(Comprehension, ASidCountsWhenTheModelNamesIt) {
  Asked asked;
  const std::vector<int64_t> group_N = asked.world.sids.group_N();
  double best = 0, any = 0, count = 0;
  for (int64_t text = 0; text < 30; ++text) {
    const std::string title = c10::str("thing number ", text);
    const Rankings rankings = asked.decoder.rank(
        asked.question("title_to_sid", "title", Piece::text(title)), asked.world.context);
    std::vector<int64_t> named;  // distinct SIDs, best first
    for (int64_t m = 0; m < rankings.item_SM.size(1); ++m) {
      const auto item = rankings.item_SM[0][m].item<int64_t>();
      if (item >= 0 && (named.empty() || group_N[static_cast<size_t>(named.back())] !=
                                             group_N[static_cast<size_t>(item)]))
        named.push_back(item);
    }
    ASSERT_GE(named.size(), 5u);
    const auto is_named = [&](int64_t item) {
      return std::any_of(named.begin(), named.begin() + 5, [&](int64_t other) {
        return group_N[static_cast<size_t>(other)] == group_N[static_cast<size_t>(item)];
      });
    };
    int64_t item = text % 3 == 0 ? named[0] : named[2];
    if (text % 3 == 2) {
      item = 0;
      while (is_named(item)) ++item;
    }
    std::string& of_item = asked.title_N[static_cast<size_t>(item)];
    if (!of_item.empty()) continue;
    of_item = title;
    ++count;
    best += text % 3 == 0;
    any += text % 3 != 2;
  }
  ASSERT_GT(best, 0);
  ASSERT_GT(any, best);
  ASSERT_GT(count, any);
  const auto measured = asked.measure("title_to_sid_accuracy", {});
  EXPECT_NEAR(measured.at("title_to_sid.top1"), best / count, 1e-12);
  EXPECT_NEAR(measured.at("title_to_sid.any5"), any / count, 1e-12);
}

}  // namespace
}  // namespace tsrec::test
