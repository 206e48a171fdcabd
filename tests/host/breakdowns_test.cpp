// Groups of an evaluation's rows, and the numbers of every column in them.
#include "report/breakdowns.hpp"

#include <nlohmann/json.hpp>
#include <random>

#include "pipeline/artefacts.hpp"
#include "support/support.hpp"

namespace tsrec::test {
namespace {

using host::Breakdown;
using host::RowGroups;

std::mt19937_64& random_numbers() {
  static std::mt19937_64 random(std::random_device{}());
  return random;
}
int64_t any_below(int64_t end) {
  return static_cast<int64_t>(random_numbers()() % static_cast<uint64_t>(end));
}

constexpr int64_t kItems = 40;

// Items from 30 on are in no training row.
Samples rows_of(int64_t rows, int64_t last_item) {
  SamplesBuilder builder;
  for (int64_t row = 0; row < rows; ++row) {
    std::vector<int64_t> history;
    for (int64_t i = any_below(25); i-- > 0;) history.push_back(any_below(last_item));
    builder.add(any_below(60), history, std::min(any_below(last_item), any_below(last_item)), row);
  }
  return builder.build();
}

std::string name_in(const RowGroups& groups, int64_t row) {
  return groups.names.at(static_cast<size_t>(groups.group_S[row].item<int64_t>()));
}

TEST(RowGroups, EveryRowStandsInTheGroupOfItsDefinition) {
  const Samples train = rows_of(300, 30), rows = rows_of(200, kItems);
  std::vector<std::string> category_N;
  for (int64_t item = 0; item < kItems; ++item)
    category_N.push_back(item % 11 == 0 ? "" : c10::str("kind ", item % 11));
  const auto all = host::row_groups(train, rows, category_N);
  ASSERT_EQ(all.size(), 6u);
  // How many items are targets of more training rows than this one.
  std::array<int64_t, kItems> count_N{};
  for (int64_t t = 0; t < train.size(); ++t) ++count_N[static_cast<size_t>(train.target(t))];
  const auto trained = std::count_if(count_N.begin(), count_N.end(), [](auto n) { return n > 0; });
  const auto popularity = host::popularity_of_items(train, kItems);
  for (int64_t row = 0; row < rows.size(); ++row) {
    const int64_t target = rows.target(row);
    const auto history = rows.history(row);
    EXPECT_EQ(name_in(all[0], row),
              (std::array{"head", "mid",
                          "tail"}[static_cast<size_t>(popularity[static_cast<size_t>(target)])]));
    const int64_t own = count_N[static_cast<size_t>(target)];
    const auto above =
        std::count_if(count_N.begin(), count_N.end(), [&](int64_t n) { return n > own; });
    EXPECT_EQ(name_in(all[1], row), own == 0                  ? "never a target"
                                    : 4 * above < trained     ? "first quarter"
                                    : 4 * above < 2 * trained ? "second quarter"
                                    : 4 * above < 3 * trained ? "third quarter"
                                                              : "last quarter");
    const size_t length = history.size();
    EXPECT_EQ(name_in(all[2], row), length == 0    ? "0"
                                    : length <= 2  ? "1-2"
                                    : length <= 5  ? "3-5"
                                    : length <= 10 ? "6-10"
                                    : length <= 20 ? "11-20"
                                                   : "21-50");
    const bool repeats = std::count(history.begin(), history.end(), target) > 0;
    EXPECT_EQ(name_in(all[3], row), repeats ? "repeat" : "new");
    bool is_seen = false;
    for (int64_t t = 0; t < train.size(); ++t) {
      const auto seen = train.history(t);
      is_seen = is_seen || train.target(t) == target ||
                std::find(seen.begin(), seen.end(), target) != seen.end();
    }
    EXPECT_EQ(name_in(all[4], row), is_seen ? "seen" : "cold");
    const std::string& category = category_N[static_cast<size_t>(target)];
    const std::string group = name_in(all[5], row);
    if (group != "all others") {
      EXPECT_EQ(group, category.empty() ? "none" : category);
    }
  }
  EXPECT_EQ(all[5].names.size(), 9u) << "the eight largest, and all others";
  for (const RowGroups& groups : all) {
    for (size_t g = 0; g < groups.names.size(); ++g)
      EXPECT_GT((groups.group_S == static_cast<int64_t>(g)).sum().item<int64_t>(), 0)
          << "no group is empty: " << groups.names[g];
  }
  EXPECT_EQ(host::row_groups(train, rows, {}).size(), 5u);
  EXPECT_EQ(host::row_groups(Samples::empty(), rows, {})[4].names,
            std::vector<std::string>{"cold"});
}

TEST(RowGroups, TheCategoryIsTheFirstPartThatIsNotCommonToAll) {
  using Texts = std::vector<std::string>;
  EXPECT_EQ(host::categories_of({"Arts, Crafts, Beads", "Arts, Crafts, Yarn, Wool", ""}),
            (Texts{"Beads", "Yarn", ""}));
  EXPECT_EQ(host::categories_of({"Action, Crime", "Drama"}), (Texts{"Action", "Drama"}));
  EXPECT_EQ(host::categories_of({"Arts", "Arts, Yarn"}), (Texts{"", "Yarn"}));
  EXPECT_EQ(host::categories_of({"", ""}), (Texts{"", ""}));
  EXPECT_TRUE(host::categories_of({}).empty());
}

host::Column column(const std::string& name, const Samples& rows) {
  host::Column made;
  made.name = name;
  made.stored.user_S = rows.user_S;
  for (const char* number : {"item.hr@3", "item.hr@10", "item.ndcg@10"}) {
    const torch::Tensor row_S = torch::rand({rows.size()}, torch::kFloat64);
    made.stored.numbers.push_back({number, row_S.mean().item<double>(), row_S, Better::higher});
  }
  return made;
}

TEST(Breakdowns, HoldMeansAndIntervalsOfEveryGroupAndColumn) {
  const Samples train = rows_of(300, 30), rows = rows_of(150, kItems);
  std::vector<host::Column> columns = {column("markov", rows), column("sft", rows)};
  host::Column other = column("other", rows_of(150, kItems));
  other.stored.user_S = rows.user_S + 1;
  columns.push_back(other);
  const auto found = host::breakdowns_of(columns, {train, rows, {}}, /*resamples=*/50, /*seed=*/3);
  const auto groups = host::row_groups(train, rows, {});
  ASSERT_EQ(found.size(), groups.size());
  for (size_t b = 0; b < found.size(); ++b) {
    EXPECT_EQ(found[b].by, groups[b].by);
    EXPECT_EQ(found[b].columns, (std::vector<std::string>{"markov", "sft"}))
        << "rows of other users are other rows";
    EXPECT_EQ(found[b].numbers, (std::vector<std::string>{"item.hr@10", "item.ndcg@10"}));
    int64_t all = 0;
    for (size_t g = 0; g < found[b].groups.size(); ++g) {
      const Breakdown::Group& group = found[b].groups[g];
      const torch::Tensor is_in_S = groups[b].group_S == static_cast<int64_t>(g);
      const torch::Tensor user_R = rows.user_S.index({is_in_S});
      EXPECT_EQ(group.rows, is_in_S.sum().item<int64_t>());
      EXPECT_EQ(group.users, std::get<0>(at::_unique(user_R)).size(0));
      all += group.rows;
      for (size_t c = 0; c < 2; ++c) {
        for (size_t n = 0; n < 2; ++n) {
          const torch::Tensor value_R = columns[c].stored.numbers[n + 1].row_S.index({is_in_S});
          const Breakdown::Value& value = group.value_CN.at(c).at(n);
          EXPECT_NEAR(value.mean, value_R.mean().item<double>(), 1e-12);
          const host::Interval wanted = host::bootstrap_mean(value_R, user_R, 50, 3);
          ASSERT_TRUE(value.interval);
          EXPECT_EQ(value.interval->low, wanted.low);
          EXPECT_EQ(value.interval->high, wanted.high);
        }
      }
    }
    EXPECT_EQ(all, rows.size());
  }
  const auto json = host::breakdowns_json(found);
  const auto& group = json[0].at("groups")[0];
  EXPECT_EQ(json[0].at("by"), "popularity of the target");
  EXPECT_EQ(group.at("rows"), found[0].groups[0].rows);
  EXPECT_EQ(group.at("numbers").at("sft").at("item.ndcg@10").at("value").get<double>(),
            found[0].groups[0].value_CN[1][1].mean);
  EXPECT_EQ(group.at("numbers").at("sft").at("item.ndcg@10").at("interval")[1].get<double>(),
            found[0].groups[0].value_CN[1][1].interval->high);
  for (const Breakdown& breakdown : host::breakdowns_of(columns, {train, rows, {}}, 0, 3))
    EXPECT_FALSE(breakdown.groups[0].value_CN[0][0].interval) << "no resamples";
  EXPECT_TRUE(host::breakdowns_of({}, {train, rows, {}}, 50, 3).empty());
}

TEST(Breakdowns, RowsAreThoseThatTheEvaluationRanked) {
  const TempFolder folder;
  Dataset data;
  std::vector<std::string> keys, texts;
  for (int64_t item = 0; item < kItems; ++item) {
    keys.push_back(std::to_string(item));
    texts.push_back(c10::str("Shop, shelf ", item % 3));
  }
  data.items = Items(keys);
  data.items.set("categories", texts);
  data.train = rows_of(50, 30);
  data.valid = rows_of(20, kItems);
  data.test = rows_of(40, kItems);
  ArtifactWriter out(folder.path() / "load");
  host::write_dataset(data, out);
  out.close();
  host::EvaluateSettings settings;
  const host::EvaluatedRows all = host::evaluated_rows(folder.path() / "load", settings);
  EXPECT_TRUE(all.rows.target_S.equal(data.test.target_S));
  EXPECT_TRUE(all.train.history_H.equal(data.train.history_H));
  EXPECT_EQ(all.category_N.at(4), "shelf 1");
  settings.split = "valid";
  settings.limit = 7;
  const host::EvaluatedRows few = host::evaluated_rows(folder.path() / "load", settings);
  EXPECT_EQ(few.rows.size(), 7);
  EXPECT_TRUE(few.rows.user_S[0].equal(data.valid.user_S[0]));
}

}  // namespace
}  // namespace tsrec::test
