// What a report reads out of stored lists: how deep they are right, and the users it shows.
#include <nlohmann/json.hpp>

#include "pipeline/artefacts.hpp"
#include "random_sids.hpp"
#include "report/depth.hpp"
#include "report/examples.hpp"
#include "tsrec/evenly_spaced.hpp"
#include "tsrec/parts/metric.hpp"

namespace tsrec::test {
namespace {

using host::Column;
using host::DepthCurves;
using host::ExampleUsers;
using host::ListedItems;

constexpr int64_t kListItems = 60, kListRows = 40, kListPlaces = 30;

// Rows of a test split, and the lists of three columns for them: a recommender, and a model that
// was trained from another.
struct ListedWorld {
  ListedWorld() {
    sids = random_sids(kListItems, random);
    data.items = random_items(kListItems);
    data.train = data.valid = Samples::empty();
    SamplesBuilder test;
    for (int64_t row = 0; row < kListRows; ++row) {
      std::vector<int64_t> history;
      for (int64_t i = random.below(14); i >= 0; --i) history.push_back(random.below(kListItems));
      test.add(row / 2, history, random.below(kListItems), row);
    }
    data.test = test.build();
    for (const char* name : {"markov", "sft", "grpo"}) {
      Column& column = columns.emplace_back();
      column.name = name;
      column.is_model = column.name != "markov";
      column.from = column.name == "grpo" ? "sft" : "";
      rankings.push_back(random_lists(column.is_model));
      column.stored.user_S = data.test.user_S;
      column.stored.listed = {Split::test, rankings.back().item_SM};
      if (column.is_model)
        column.stored.target_ranks = host::target_ranks({rankings.back(), data.test, data, &sids});
    }
  }

  // Items in random order, those of one SID side by side where a model ranks; the ends of some
  // lists are empty.
  Rankings random_lists(bool by_sid) {
    const std::vector<int64_t> group_N = sids.group_N();
    Rankings lists;
    lists.item_SM = torch::full({kListRows, kListPlaces}, -1, torch::kInt64);
    lists.leaf_SM = by_sid ? lists.item_SM.clone() : torch::Tensor();
    for (int64_t row = 0; row < kListRows; ++row) {
      std::vector<int64_t> order(kListItems);
      std::iota(order.begin(), order.end(), 0);
      std::shuffle(order.begin(), order.end(), random.engine());
      if (by_sid) {
        std::vector<int64_t> place_of_group(kListItems, kListItems);
        for (size_t place = 0; place < order.size(); ++place) {
          int64_t& first =
              place_of_group[static_cast<size_t>(group_N[static_cast<size_t>(order[place])])];
          first = std::min(first, static_cast<int64_t>(place));
        }
        std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
          return place_of_group[static_cast<size_t>(group_N[static_cast<size_t>(a)])] <
                 place_of_group[static_cast<size_t>(group_N[static_cast<size_t>(b)])];
        });
      }
      const int64_t length = kListPlaces - random.below(4);
      for (int64_t place = 0; place < length; ++place) {
        const int64_t item = order[static_cast<size_t>(place)];
        lists.item_SM[row][place] = item;
        if (by_sid) lists.leaf_SM[row][place] = group_N[static_cast<size_t>(item)];
      }
    }
    return lists;
  }

  RandomNumbers random;
  SidTable sids;
  Dataset data;
  std::vector<Rankings> rankings;
  std::vector<Column> columns;
};

TEST(ListedItems, AreStoredWithTheNumbers) {
  ListedWorld world;
  const TempFolder folder;
  Rankings wide;
  wide.item_SM = torch::randint(-1, kListItems, {kListRows, 70}, torch::kInt64);
  for (const Split split : {Split::test, Split::valid}) {
    const auto place = folder.path() / name(split);
    ArtifactWriter out(place);
    host::write_numbers({}, world.data.test, out);
    host::write_listed_items(wide, split, out);
    out.close();
    const host::StoredNumbers stored = host::read_numbers(place);
    ASSERT_TRUE(stored.listed);
    EXPECT_EQ(stored.listed->split, split);
    EXPECT_TRUE(torch::equal(stored.listed->item_SM, wide.item_SM.slice(1, 0, 50)));
  }
  ArtifactWriter out(folder.path() / "none");
  host::write_numbers({}, world.data.test, out);
  out.close();
  EXPECT_FALSE(host::read_numbers(folder.path() / "none").listed);
}

TEST(ListedRows, AreThoseOfTheEvaluation) {
  ListedWorld world;
  const ListedItems& listed = *world.columns[0].stored.listed;
  // A share of the rows is evenly spaced.
  const Samples some = world.data.test.rows(evenly_spaced(kListRows, 9));
  EXPECT_TRUE(
      torch::equal(host::listed_rows(world.data, listed, some.user_S).target_S, some.target_S));
  torch::Tensor others_S = some.user_S.clone();
  others_S[3] += 1;
  EXPECT_TRUE(
      contains(message_of<DataError>([&] { host::listed_rows(world.data, listed, others_S); }),
               "ranked 9 rows of other users than the test rows"));
}

// A list's different SIDs as texts, the first k.
std::vector<std::string> first_sids(const ListedWorld& world, const torch::Tensor& item_M,
                                    int64_t k) {
  std::vector<std::string> texts;
  for (int64_t place = 0; place < item_M.size(0); ++place) {
    const int64_t item = item_M[place].item<int64_t>();
    if (item < 0) continue;
    const std::string text = world.sids.text(item);
    if (std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(text);
    if (static_cast<int64_t>(texts.size()) == k) break;
  }
  return texts;
}

TEST(Depth, IsTheShareOfRowsThatBeginAsTheTarget) {
  ListedWorld world;
  const DepthCurves depth = host::depth_curves(world.data, world.sids, world.columns);
  EXPECT_EQ(depth.cutoffs, (std::vector<int64_t>{1, 5, 10}));
  EXPECT_EQ(depth.rows, kListRows);
  ASSERT_EQ(depth.curves.size(), 3u);
  TestContext context;
  const auto metric = make_part<Metric>("hr", context, {{"k", "1 5 10"}});
  for (size_t c = 0; c < 3; ++c) {
    const DepthCurves::Curve& curve = depth.curves[c];
    EXPECT_EQ(curve.of, world.columns[c].name);
    const Numbers hits =
        metric->measure({world.rankings[c], world.data.test, world.data, &world.sids}, context);
    for (size_t k = 0; k < 3; ++k) {
      for (int64_t level = 1; level <= 3; ++level) {
        double right = 0;
        for (int64_t row = 0; row < kListRows; ++row) {
          const int64_t target = world.data.test.target(row);
          const std::string wanted = first_codes(world.sids, target, level);
          const auto sids = first_sids(world, world.rankings[c].item_SM[row], depth.cutoffs[k]);
          right += std::any_of(sids.begin(), sids.end(),
                               [&](const std::string& sid) { return sid.starts_with(wanted); });
        }
        const double share = curve.share_KL[k][static_cast<size_t>(level - 1)];
        EXPECT_NEAR(share, right / static_cast<double>(kListRows), 1e-12);
        const host::Interval& interval = curve.interval_KL[k][static_cast<size_t>(level - 1)];
        EXPECT_LE(interval.low, share);
        EXPECT_GE(interval.high, share);
      }
      const auto number = std::find_if(hits.begin(), hits.end(), [&](const Number& one) {
        return one.name == c10::str("sid.hr@", depth.cutoffs[k]);
      });
      ASSERT_NE(number, hits.end());
      EXPECT_NEAR(curve.share_KL[k].back(), number->value, 1e-12) << number->name;
    }
  }
}

TEST(Depth, ItsIntervalCountsUsersNotRows) {
  // Every user has two equal rows, so half as many users as rows, of a sample: sqrt(p (1 - p) /
  // (users - 1)).
  ListedWorld world;
  SamplesBuilder twice;
  for (int64_t row = 0; row < kListRows; ++row)
    twice.add(row / 2, std::vector<int64_t>{0}, world.data.test.target(row / 2), row);
  world.data.test = twice.build();
  Column column = world.columns[0];
  column.stored.listed->item_SM =
      column.stored.listed->item_SM.slice(0, 0, kListRows / 2).repeat_interleave(2, 0).contiguous();
  column.stored.user_S = world.data.test.user_S;
  const DepthCurves depth = host::depth_curves(world.data, world.sids, {column});
  for (size_t k = 0; k < 3; ++k) {
    for (size_t level = 0; level < 3; ++level) {
      const double p = depth.curves[0].share_KL[k][level];
      const double width = 1.96 * std::sqrt(p * (1 - p) / (kListRows / 2 - 1));
      const host::Interval& interval = depth.curves[0].interval_KL[k][level];
      EXPECT_NEAR(interval.low, std::max(0.0, p - width), 1e-12);
      EXPECT_NEAR(interval.high, std::min(1.0, p + width), 1e-12);
    }
  }
}

TEST(Depth, NeedsStoredListsAndGoesAsFarAsTheyDo) {
  ListedWorld world;
  world.columns[1].stored.listed->item_SM = world.rankings[1].item_SM.slice(1, 0, 6).contiguous();
  world.columns[2].stored.listed.reset();
  const DepthCurves depth = host::depth_curves(world.data, world.sids, world.columns);
  EXPECT_EQ(depth.cutoffs, (std::vector<int64_t>{1, 5}));
  EXPECT_EQ(depth.curves.size(), 2u);
  const auto json = host::depth_json(depth);
  EXPECT_EQ(json["curves"][0]["of"], "markov");
  EXPECT_EQ(json["curves"][1]["share"][1][2], depth.curves[1].share_KL[1][2]);
  EXPECT_EQ(json["curves"][1]["interval"][0][1][1], depth.curves[1].interval_KL[0][1].high);
  for (Column& column : world.columns) column.stored.listed.reset();
  EXPECT_TRUE(
      host::depth_json(host::depth_curves(world.data, world.sids, world.columns)).is_null());
}

// The place of the target's SID among the items of the list, by the middle of those that share it.
double reciprocal_rank(const ListedWorld& world, size_t column, int64_t row) {
  const int64_t rank = world.columns[column].stored.target_ranks->rank_S[row].item<int64_t>();
  return rank == 0 ? 0 : 1.0 / static_cast<double>(rank);
}

TEST(ExampleUsers, AreChosenByTheRule) {
  for (int trial = 0; trial < 10; ++trial) {
    ListedWorld world;
    const ExampleUsers examples = host::example_users(world.data, &world.sids, world.columns);
    EXPECT_EQ(examples.before, "sft");
    EXPECT_EQ(examples.after, "grpo");
    EXPECT_EQ(examples.rows, kListRows);
    std::vector<int64_t> rows;
    for (const ExampleUsers::User& user : examples.users) rows.push_back(user.row);
    ASSERT_EQ(rows.size(), 8u);
    EXPECT_EQ(std::set<int64_t>(rows.begin(), rows.end()).size(), 8u);
    std::set<int64_t> taken;
    for (int64_t i = 0; i < 4; ++i) {
      EXPECT_EQ(rows[static_cast<size_t>(i)], i * kListRows / 4);
      taken.insert(i * kListRows / 4);
    }
    // Then by hand: the best row that is left, twice each way.
    for (size_t i = 4; i < 8; ++i) {
      const double sign = i < 6 ? 1 : -1;
      int64_t best = -1;
      double most = 0;
      for (int64_t row = 0; row < kListRows; ++row) {
        const double gain =
            sign * (reciprocal_rank(world, 2, row) - reciprocal_rank(world, 1, row));
        if (!taken.contains(row) && gain > most) {
          best = row;
          most = gain;
        }
      }
      EXPECT_EQ(rows[i], best) << i;
      EXPECT_EQ(examples.users[i].chosen, i < 6 ? "higher" : "lower");
      taken.insert(best);
    }
  }
}

TEST(ExampleUsers, SayWhatStandsInTheirRows) {
  ListedWorld world;
  const ExampleUsers examples = host::example_users(world.data, &world.sids, world.columns);
  // By texts: how many tokens two SIDs begin with in common; of equal SIDs all levels.
  const auto shared = [&](int64_t a, int64_t b) {
    int64_t levels = 0;
    while (levels < 3 &&
           first_codes(world.sids, a, levels + 1) == first_codes(world.sids, b, levels + 1) &&
           (first_codes(world.sids, a, levels + 1) != first_codes(world.sids, a, levels) ||
            world.sids.text(a) == world.sids.text(b)))
      ++levels;
    return levels;
  };
  for (const ExampleUsers::User& user : examples.users) {
    const auto history = world.data.test.history(user.row);
    EXPECT_EQ(user.user, user.row / 2);
    EXPECT_EQ(user.target, world.data.test.target(user.row));
    EXPECT_EQ(user.earlier + static_cast<int64_t>(user.history.size()),
              static_cast<int64_t>(history.size()));
    EXPECT_LE(user.history.size(), 10u);
    EXPECT_TRUE(std::equal(user.history.rbegin(), user.history.rend(), history.rbegin()));
    int64_t most = 0, nearest = -1;
    for (const int64_t item : history) {
      if (shared(item, user.target) >= std::max<int64_t>(most, 1)) {
        most = shared(item, user.target);
        nearest = item;
      }
    }
    EXPECT_EQ(user.shared, most);
    EXPECT_EQ(user.nearest, nearest);
    ASSERT_EQ(user.lists.size(), 3u);
    for (size_t c = 0; c < 3; ++c) {
      const ExampleUsers::List& list = user.lists[c];
      const torch::Tensor item_M = world.rankings[c].item_SM[user.row];
      ASSERT_EQ(list.items.size(), 5u);
      for (size_t i = 0; i < 5; ++i) {
        EXPECT_EQ(list.items[i], item_M[static_cast<int64_t>(i)].item<int64_t>());
        EXPECT_EQ(list.shared[i], shared(list.items[i], user.target));
      }
      if (c > 0) continue;
      const torch::Tensor found = (item_M == user.target).nonzero();
      EXPECT_EQ(list.rank, found.numel() == 0 ? 0 : found[0][0].item<int64_t>() + 1);
    }
  }
  const auto json = host::examples_json(examples, world.data.items, &world.sids, {});
  for (const auto& user : json["users"]) {
    const std::string target = std::to_string(user["target"].get<int64_t>());
    EXPECT_EQ(
        json["items"][target]["sid"].size(),
        static_cast<size_t>(world.sids.code_NL[std::stoll(target)].ge(0).sum().item<int64_t>()));
    for (const auto& list : user["lists"]) {
      const auto of = std::find_if(world.columns.begin(), world.columns.end(), [&](const auto& c) {
        return c.name == list["of"].get<std::string>();
      });
      EXPECT_EQ(list["is_model"].get<bool>(), of->is_model);
      for (const auto& item : list["items"])
        EXPECT_TRUE(json["items"].contains(std::to_string(item.get<int64_t>())));
    }
  }
}

TEST(ExampleUsers, DoWithoutSidsAndWithoutASecondModel) {
  ListedWorld world;
  world.columns.pop_back();
  const ExampleUsers examples = host::example_users(world.data, nullptr, world.columns);
  EXPECT_EQ(examples.before, "");
  ASSERT_EQ(examples.users.size(), 4u);
  EXPECT_TRUE(examples.users[0].lists[0].shared.empty());
  EXPECT_EQ(examples.users[0].nearest, -1);
  const auto json = host::examples_json(examples, world.data.items, nullptr, {});
  EXPECT_EQ(json["users"].size(), 4u);
  for (Column& column : world.columns) column.stored.listed.reset();
  EXPECT_TRUE(host::examples_json(host::example_users(world.data, &world.sids, world.columns),
                                  world.data.items, &world.sids, {})
                  .is_null());
}

}  // namespace
}  // namespace tsrec::test
