#include "tsrec/parts/metric.hpp"

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
