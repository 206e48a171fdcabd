// What a run says at its end: the value, and every renderer over it.
#include <functional>
#include <nlohmann/json.hpp>
#include <random>

#include "pipeline/artefacts.hpp"
#include "pipeline/parts.hpp"
#include "report/csv.hpp"
#include "report/json.hpp"
#include "report/markdown.hpp"
#include "report/results_table.hpp"
#include "report/side_by_side.hpp"
#include "report/text.hpp"
#include "support/number_text.hpp"
#include "support/support.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::test {
namespace {

using host::Alarm;
using host::PairedRows;
using host::StageId;
using Role = host::StageId::Role;
using torch::Tensor;

std::mt19937_64& seeds() {
  static std::mt19937_64 random(std::random_device{}());
  return random;
}

Tensor coins(int64_t rows, double share) {
  const auto generator = at::detail::createCPUGenerator(seeds()());
  return (torch::rand({rows}, generator, torch::kFloat64) < share).to(torch::kFloat64);
}

Tensor noise(int64_t rows) {
  return torch::randn({rows}, at::detail::createCPUGenerator(seeds()()), torch::kFloat64);
}

// `count` of the ones become zeros.
Tensor without(const Tensor& hit_S, int64_t count) {
  Tensor fewer_S = hit_S.clone();
  fewer_S.index_put_({hit_S.nonzero().flatten().slice(0, 0, count)}, 0);
  return fewer_S;
}

std::vector<Alarm> alarms_of(const std::vector<PairedRows>& pair) {
  return host::losses("sft", "grpo", host::tested(pair, /*resamples=*/1000, /*seed=*/1));
}

// A number may be without some rows: it is tested on its own.
TEST(Tested, NumbersOfOtherRowsAreDrawnForThemselves) {
  const Tensor user_S = torch::arange(300), before_S = coins(300, 0.5), after_S = coins(300, 0.5);
  const auto first = [](const Tensor& x_S) { return x_S.slice(0, 0, 200); };
  const std::vector<PairedRows> pair = {
      {"item.hr@5", Better::higher, before_S, after_S, user_S},
      {"item.hr@10", Better::higher, first(before_S), first(after_S), first(user_S)},
      {"item.ndcg@10", Better::higher, before_S * 0.6, after_S * 0.6, user_S}};
  const auto numbers = host::tested(pair, /*resamples=*/100, /*seed=*/3);
  ASSERT_EQ(numbers.size(), pair.size());
  for (size_t i = 0; i < pair.size(); ++i) {
    const auto alone = host::tested({pair[i]}, /*resamples=*/100, /*seed=*/3).front();
    EXPECT_EQ(numbers[i].name, pair[i].number);
    EXPECT_EQ(numbers[i].difference.mean, alone.difference.mean) << i;
    EXPECT_EQ(numbers[i].difference.interval.low, alone.difference.interval.low) << i;
    EXPECT_EQ(numbers[i].difference.p, alone.difference.p) << i;
  }
}

// --- the alarm

TEST(Alarm, SaysWhichNumberLostByHowMuchAndWhichTestAgrees) {
  const Tensor user_S = torch::arange(500), hit_S = coins(500, 0.5), fewer_S = without(hit_S, 40);
  const Tensor gain_S = hit_S * 0.6, less_S = fewer_S * 0.6;
  const auto alarms = alarms_of({{"item.hr@10", Better::higher, hit_S, fewer_S, user_S},
                                 {"item.ndcg@10", Better::higher, gain_S, less_S, user_S}});
  ASSERT_EQ(alarms.size(), 2u);
  EXPECT_EQ(alarms[0].test, "McNemar");
  EXPECT_EQ(alarms[1].test, "paired bootstrap");
  for (const Alarm& alarm : alarms) {
    EXPECT_EQ(alarm.before, "sft");
    EXPECT_EQ(alarm.after, "grpo");
    EXPECT_LT(alarm.interval.high, 0);
    EXPECT_LE(alarm.p, 0.05);
  }
  EXPECT_NEAR(alarms[0].difference, -40.0 / 500, 1e-12);
  // 40 rows lost, none won: 2 / 2^40 by McNemar, twice that for the smaller of two numbers.
  EXPECT_NEAR(alarms[0].p, 2 * 2 * std::pow(0.5, 40), 1e-15);
  EXPECT_TRUE(contains(alarms[0].sentence(),
                       "grpo is worse than sft, which it started from, at item.hr@10: -0.0800"))
      << alarms[0].sentence();
  EXPECT_TRUE(contains(alarms[0].sentence(), "McNemar, p = 0.000 after Holm over 2 numbers"))
      << alarms[0].sentence();
}

TEST(Alarm, GainsAndUnknownDirectionsAreNone) {
  const Tensor user_S = torch::arange(500), hit_S = coins(500, 0.5), fewer_S = without(hit_S, 40);
  EXPECT_TRUE(alarms_of({{"item.hr@10", Better::higher, fewer_S, hit_S, user_S}}).empty());
  EXPECT_TRUE(alarms_of({{"item.hr@10", Better::unknown, hit_S, fewer_S, user_S}}).empty());
  EXPECT_TRUE(alarms_of({{"item.hr@10", Better::unknown, fewer_S, hit_S, user_S}}).empty());
  EXPECT_TRUE(alarms_of({}).empty());
}

TEST(Alarm, WhereLowerIsBetterMoreIsALoss) {
  const Tensor user_S = torch::arange(500), more_S = coins(500, 0.5), less_S = without(more_S, 40);
  EXPECT_TRUE(alarms_of({{"refused", Better::lower, more_S, less_S, user_S}}).empty());
  const auto alarms = alarms_of({{"refused", Better::lower, less_S, more_S, user_S}});
  ASSERT_EQ(alarms.size(), 1u);
  EXPECT_GT(alarms[0].difference, 0);
  EXPECT_GT(alarms[0].interval.low, 0);
  EXPECT_TRUE(contains(alarms[0].sentence(), "is worse than sft")) << alarms[0].sentence();
}

// Six numbers without any effect: a false alarm in at most every twentieth pair.
TEST(Alarm, NoiseDoesNotCryWolf) {
  constexpr int64_t kTrials = 200, kRows = 200;
  int64_t wolves = 0;
  for (int64_t trial = 0; trial < kTrials; ++trial) {
    std::vector<PairedRows> pair;
    for (const char* name : {"item.hr@3", "item.hr@5", "item.hr@10"})
      pair.push_back(
          {name, Better::higher, coins(kRows, 0.3), coins(kRows, 0.3), torch::arange(kRows)});
    for (const char* name : {"item.ndcg@3", "item.ndcg@5", "item.ndcg@10"})
      pair.push_back({name, Better::higher, noise(kRows), noise(kRows), torch::arange(kRows)});
    wolves += !host::losses("a", "b", host::tested(pair, 300, seeds()())).empty();
  }
  EXPECT_LE(wolves, kTrials / 20);
}

// 12 rows lost and 2 won: p = 0.013 alone, 0.078 among six.
TEST(Alarm, ManyNumbersAskForMoreEvidence) {
  const Tensor user_S = torch::arange(200);
  Tensor before_S = torch::zeros({200}, torch::kFloat64), after_S = before_S.clone();
  before_S.slice(0, 0, 12).fill_(1);
  after_S.slice(0, 12, 14).fill_(1);
  std::vector<PairedRows> pair = {{"item.hr@10", Better::higher, before_S, after_S, user_S}};
  EXPECT_EQ(alarms_of(pair).size(), 1u);
  for (const char* name : {"item.hr@1", "item.hr@3", "item.hr@5", "item.hr@20", "item.hr@50"})
    pair.push_back({name, Better::higher, before_S * 0, before_S * 0, user_S});
  EXPECT_TRUE(alarms_of(pair).empty());
}

TEST(Alarm, NoResamplesNoAlarm) {
  const Tensor user_S = torch::arange(500), hit_S = coins(500, 0.5);
  const std::vector<PairedRows> pair = {{"item.hr@10", Better::higher, hit_S, hit_S * 0, user_S}};
  EXPECT_TRUE(host::losses("a", "b", host::tested(pair, /*resamples=*/0, 1)).empty());
  EXPECT_EQ(host::losses("a", "b", host::tested(pair, /*resamples=*/100, 1)).size(), 1u);
}

// --- the value, and what is made of it

class Reports : public ::testing::Test {
 protected:
  // A finished stage; with numbers, one that evaluated something.
  host::StageResult result(const StageId& id, const Numbers& numbers = {}, int64_t num_rows = 0,
                           const std::function<void(ArtifactWriter&)>& more = {}) {
    host::StageResult stage;
    stage.id = id;
    stage.key = "key of " + id.text();
    stage.digest = "digest of " + id.text();
    stage.state = host::StageResult::State::stored;
    stage.folder = folder_.path() / std::to_string(++made_);
    ArtifactWriter out(stage.folder);
    Samples samples = Samples::empty();
    samples.user_S = torch::arange(num_rows);
    host::write_numbers(numbers, samples, out);
    if (more) more(out);
    out.close();
    return stage;
  }

  static Number number(const std::string& name, const Tensor& row_S,
                       Better better = Better::higher) {
    return {name, row_S.mean().item<double>(), row_S, better};
  }

  static host::Stage stage(const StageId& id, const std::vector<StageId>& inputs) {
    host::Stage made;
    made.id = id;
    made.inputs = inputs;
    return made;
  }

  // extend -> sft -> grpo, evaluated after both.
  static host::Experiment experiment() {
    host::Experiment e;
    e.run.name = "test";
    e.stages = {stage({Role::extend}, {{Role::load}}),
                stage({Role::train, "sft"}, {{Role::load}, {Role::extend}}),
                stage({Role::train, "grpo"}, {{Role::load}, {Role::train, "sft"}})};
    e.parts = std::make_shared<const host::Parts>();
    return e;
  }

  // Popularity, sft, and a grpo that lost `lost` hits.
  std::vector<host::StageResult> results(int64_t rows, int64_t lost) {
    const Tensor hit_S = coins(rows, 0.4), after_S = without(hit_S, lost);
    return {result({Role::recommender, "popularity"}),
            result({Role::rank_recommender, "popularity"}, {number("item.hr@10", coins(rows, 0.1))},
                   rows),
            result({Role::rank_model, "sft"},
                   {number("item.hr@10", hit_S), {"coverage@10", 0.25, {}}}, rows),
            result({Role::rank_model, "grpo"},
                   {number("item.hr@10", after_S), {"coverage@10", 0.5, {}}}, rows)};
  }

  TempFolder folder_;
  int made_ = 0;
};

TEST_F(Reports, HoldNumbersIntervalsAndDifferencesOfTheStoredRows) {
  const auto stored = results(300, 50);
  const host::RunReport report = host::run_report(experiment(), stored);
  ASSERT_EQ(report.columns.size(), 3u);
  EXPECT_FALSE(report.columns[0].is_model);
  EXPECT_TRUE(report.columns[2].is_model);
  EXPECT_EQ(report.numbers, (std::vector<std::string>{"item.hr@10", "coverage@10"}));
  const host::ReportedNumber* hit = report.columns[1].find("item.hr@10");
  ASSERT_NE(hit, nullptr);
  ASSERT_TRUE(hit->interval);
  EXPECT_LT(hit->interval->low, hit->value);
  EXPECT_GT(hit->interval->high, hit->value);
  EXPECT_FALSE(report.columns[1].find("coverage@10")->interval);
  EXPECT_EQ(report.columns[0].find("coverage@10"), nullptr);
  ASSERT_EQ(report.differences.size(), 1u) << "sft started from what was not evaluated";
  EXPECT_EQ(report.differences[0].after, "grpo");
  EXPECT_EQ(report.differences[0].before, "sft");
  ASSERT_EQ(report.differences[0].numbers.size(), 1u) << "coverage has no rows";
  EXPECT_NEAR(report.differences[0].numbers[0].difference.mean, -50.0 / 300, 1e-12);
  ASSERT_EQ(report.stages.size(), stored.size());
  EXPECT_EQ(report.stages[3].key, "key of evaluate.grpo");
  EXPECT_EQ(report.stages[3].folder, stored[3].folder);
}

TEST_F(Reports, AnAlarmStandsInTextMarkdownAndJson) {
  const host::RunReport report = host::run_report(experiment(), results(300, 50));
  ASSERT_EQ(report.alarms.size(), 1u);
  const std::string sentence = report.alarms[0].sentence();
  EXPECT_TRUE(contains(host::text_of(report), "\nWARNING: " + sentence + "\n"));
  EXPECT_TRUE(contains(host::markdown_of(report), "\n**Warning:** " + sentence + "\n"));
  const auto json = nlohmann::json::parse(host::numbers_json_of(report));
  ASSERT_EQ(json.at("alarms").size(), 1u);
  EXPECT_EQ(json.at("alarms")[0].at("number"), "item.hr@10");
  EXPECT_EQ(json.at("alarms")[0].at("sentence"), sentence);
  EXPECT_NEAR(json.at("grpo minus sft").at("item.hr@10").at("difference").get<double>(),
              -50.0 / 300, 1e-12);

  const host::RunReport calm = host::run_report(experiment(), results(300, 0));
  EXPECT_FALSE(contains(host::text_of(calm), "WARNING"));
  EXPECT_EQ(host::text_of(calm), host::markdown_of(calm));
  EXPECT_TRUE(nlohmann::json::parse(host::numbers_json_of(calm)).at("alarms").empty());
}

TEST_F(Reports, AModelIsComparedWithTheOneItStartedFromNotWithItsNeighbour) {
  host::Experiment branched = experiment();
  branched.stages.push_back(stage({Role::train, "dpo"}, {{Role::load}, {Role::train, "sft"}}));
  auto stored = results(300, 50);
  const Tensor hit_S = ArtifactReader(stored[2].folder).tensor("row.item.hr@10");
  stored.push_back(
      result({Role::rank_model, "dpo"}, {number("item.hr@10", without(hit_S, 45))}, 300));
  const host::RunReport report = host::run_report(branched, stored);
  ASSERT_EQ(report.differences.size(), 2u);
  EXPECT_EQ(report.differences[1].after, "dpo");
  EXPECT_EQ(report.differences[1].before, "sft") << "grpo stands between them in the file only";
  EXPECT_EQ(report.alarms.size(), 2u);
}

TEST_F(Reports, AStageThatWasNotEvaluatedIsPassedOver) {
  auto stored = results(300, 50);
  stored[2].id = {Role::rank_model, "untrained"};
  const host::RunReport report = host::run_report(experiment(), stored);
  ASSERT_EQ(report.differences.size(), 1u);
  EXPECT_EQ(report.differences[0].before, "untrained");
}

TEST_F(Reports, CurvesKeepTheirStageNameStepsAndValues) {
  auto stored = results(30, 0);
  stored.push_back(result({Role::train, "sft"}));
  io::write_text(stored.back().folder / "curves.jsonl",
                 "{\"stage\":\"stage.sft\",\"name\":\"loss\",\"step\":1,\"value\":2.5}\n"
                 "{\"stage\":\"stage.sft\",\"name\":\"rate\",\"step\":1,\"value\":0.1}\n"
                 "{\"stage\":\"stage.sft\",\"name\":\"loss\",\"step\":2,\"value\":null}\n");
  const host::RunReport report = host::run_report(experiment(), stored);
  ASSERT_EQ(report.curves.size(), 2u);
  EXPECT_EQ(report.curves[0].stage, (StageId{Role::train, "sft"}));
  EXPECT_EQ(report.curves[0].name, "loss");
  EXPECT_EQ(report.curves[0].steps, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(report.curves[0].values[0], 2.5);
  EXPECT_TRUE(std::isnan(report.curves[0].values[1]));
  EXPECT_EQ(report.curves[1].values, std::vector<double>{0.1});
}

TEST_F(Reports, SayWhichDifferenceTheRowsCouldShow) {
  const host::RunReport report = host::run_report(experiment(), results(300, 50));
  const host::TestedNumber& number = report.differences[0].numbers[0];
  EXPECT_EQ(number.rows, 300);
  EXPECT_NEAR(number.changed, 50.0 / 300, 1e-12);
  EXPECT_EQ(number.detectable, host::detectable_difference(300, 50.0 / 300));
  EXPECT_TRUE(
      contains(host::text_of(report),
               "item.hr@10: 16.7 % of 300 rows changed between hit and miss; so many show a "
               "difference of 0.06"))
      << host::text_of(report);
  const host::RunReport same = host::run_report(experiment(), results(300, 0));
  EXPECT_TRUE(contains(host::text_of(same), "too few to show any difference"));
}

TEST_F(Reports, BesideWhatWasNotFoundStandsWhatCouldHaveBeen) {
  const host::RunReport found = host::run_report(experiment(), results(300, 50)),
                        none = host::run_report(experiment(), results(300, 1));
  const host::TestedNumber &sure = found.differences[0].numbers[0],
                           &unsure = none.differences[0].numbers[0];
  EXPECT_TRUE(sure.is_significant());
  EXPECT_FALSE(unsure.is_significant());
  ASSERT_TRUE(unsure.could_show);
  EXPECT_EQ(unsure.could_show, host::detectable_difference(unsure.difference));
  EXPECT_TRUE(contains(host::text_of(none), "McNemar | permutation | could show |"))
      << host::text_of(none);
  EXPECT_TRUE(
      contains(host::text_of(none), c10::str(" 1.000 |     ", host::fixed(*unsure.could_show))))
      << host::text_of(none);
  EXPECT_FALSE(contains(host::text_of(found), host::fixed(*sure.could_show) + " |"))
      << host::text_of(found);
  const auto json = nlohmann::json::parse(host::numbers_json_of(none));
  const auto& number = json.at("grpo minus sft").at("item.hr@10");
  EXPECT_EQ(number.at("could_show").get<double>(), *unsure.could_show);
  EXPECT_EQ(number.at("permutation"), 1.0);
  EXPECT_EQ(number.at("significant"), false);
  EXPECT_FALSE(number.contains("equivalence"));
  EXPECT_EQ(host::statistics_json(none).at("differences")[0].at("after"), "grpo");
}

TEST_F(Reports, EquivalenceAndTheCorrectionAreTheExperiments) {
  host::Experiment asked = experiment();
  host::Parts parts;
  parts.report.correction = "benjamini_hochberg";
  parts.report.equivalence = 0.05;
  asked.parts = std::make_shared<const host::Parts>(parts);
  const Tensor hit_S = coins(2000, 0.4), gain_S = hit_S * 0.5, user_S = torch::arange(2000);
  const auto evaluated = [&](const std::string& of, int64_t lost) {
    const Tensor now_S = without(hit_S, lost);
    return result({Role::rank_model, of},
                  {number("item.hr@10", now_S), number("item.ndcg@10", now_S * gain_S),
                   number("item.mrr@10", coins(2000, 0.5))},
                  2000);
  };
  const auto stored = std::vector{evaluated("sft", 0), evaluated("grpo", 3)};
  const host::RunReport report = host::run_report(asked, stored);
  const auto& numbers = report.differences[0].numbers;
  ASSERT_EQ(numbers.size(), 3u);
  std::vector<double> p;
  for (const host::TestedNumber& one : numbers) p.push_back(one.difference.p);
  const std::vector<double> corrected = host::benjamini_hochberg(p);
  std::vector<double> equal;
  for (size_t i = 0; i < numbers.size(); ++i) {
    EXPECT_EQ(numbers[i].adjusted, corrected[i]);
    equal.push_back(host::equivalence(numbers[i].difference, 0.05).p);
  }
  for (size_t i = 0; i < numbers.size(); ++i) {
    ASSERT_TRUE(numbers[i].equivalence);
    EXPECT_EQ(numbers[i].equivalence->p, host::benjamini_hochberg(equal)[i]);
  }
  EXPECT_TRUE(numbers[0].equivalence->is_shown()) << "three of 2000 rows are less than 5 %";
  const std::string text = host::text_of(report);
  EXPECT_TRUE(contains(text, "p (Benjamini-Hochberg)")) << text;
  EXPECT_TRUE(contains(text, "equal within 0.05, p |")) << text;
  EXPECT_TRUE(contains(text, "0.000 equal |")) << text;
  const auto json = nlohmann::json::parse(host::numbers_json_of(report));
  EXPECT_EQ(json.at("grpo minus sft").at("item.hr@10").at("equivalence").at("shown"), true);
}

TEST_F(Reports, BreakdownsStandInMarkdownAndJsonAndNotOnTheTerminal) {
  auto stored = results(60, 10);
  SamplesBuilder rows;
  for (int64_t row = 0; row < 60; ++row) rows.add(row, std::vector<int64_t>{row % 3}, row % 5, row);
  Dataset data;
  data.items = Items({"a", "b", "c", "d", "e"});
  data.train = data.valid = data.test = rows.build();
  host::StageResult load;
  load.id = {Role::load};
  load.digest = "rows";
  load.folder = folder_.path() / "load";
  ArtifactWriter out(load.folder);
  host::write_dataset(data, out);
  out.close();
  stored.insert(stored.begin(), load);
  const host::RunReport report = host::run_report(experiment(), stored);
  ASSERT_EQ(report.breakdowns.size(), 5u);
  const std::string markdown = host::markdown_of(report);
  EXPECT_TRUE(contains(markdown, "\n| item.hr@10 by target in the history | rows | users |"))
      << markdown;
  EXPECT_TRUE(contains(markdown, "\n| repeat ")) << markdown;
  EXPECT_FALSE(contains(host::text_of(report), " by target in the history"));
  const std::string numbers = host::numbers_json_of(report);
  EXPECT_EQ(nlohmann::json::parse(numbers).at("breakdowns").size(), 5u);
  std::filesystem::create_directories(folder_.path() / "run");
  io::write_text(folder_.path() / "run" / "numbers.json", numbers);
  EXPECT_FALSE(contains(host::side_by_side({folder_.path() / "run"}), "breakdowns"));
}

// Over seeds that differ as much as the cells do, pooled rows would find what no one may claim.
TEST_F(Reports, CellsDifferWhereOtherSeedsWouldDifferToo) {
  host::CompareSettings settings;
  settings.against = "base";
  std::vector<host::CellRun> runs;
  const auto add = [&](const std::string& cell, int64_t seed, const Tensor& value_S) {
    runs.push_back(
        {cell,
         seed,
         host::lineage_of(experiment()),
         {result({Role::rank_model, "sft"}, {number("item.ndcg@10", value_S)}, value_S.size(0))}});
  };
  const Tensor value_S = noise(200);
  Tensor last_S;
  for (int64_t seed = 0; seed < 3; ++seed) {
    add("base", seed, value_S);
    add("moves", seed, value_S + static_cast<double>(seed) - 0.5 + 0.01 * noise(200));
    const Tensor better_S = value_S + 0.5 + 0.01 * noise(200);
    add("better", seed, better_S);
    if (seed == 0) last_S = better_S;
  }
  const host::MatrixReport report = host::matrix_report(settings, runs, 300, {"holm", 0.1});
  ASSERT_EQ(report.differences.size(), 2u);
  const auto &moves = report.differences[0], &better = report.differences[1];
  EXPECT_EQ(moves.cell, "moves");
  EXPECT_FALSE(moves.is_significant()) << moves.adjusted;
  EXPECT_LT(moves.difference.interval.low, 0);
  EXPECT_TRUE(better.is_significant()) << better.adjusted;
  EXPECT_NEAR(better.difference.mean, 0.5, 0.01);
  ASSERT_TRUE(moves.could_show);
  EXPECT_GT(*moves.could_show, 1) << "three seeds that differ by 1 show no less";
  EXPECT_FALSE(better.equivalence->is_shown());
  const std::string text = host::text_of(report);
  EXPECT_TRUE(contains(text,
                       "3 seeds: intervals and p are about other seeds and other users; so "
                       "few seeds show large differences alone\n"))
      << text;
  EXPECT_TRUE(contains(text, host::fixed(*moves.could_show))) << text;
  EXPECT_FALSE(better.permutation) << "signs of users say nothing of other seeds";
  EXPECT_FALSE(contains(text, "permutation")) << text;
  runs.resize(3);
  const host::MatrixReport alone = host::matrix_report(settings, runs, 300);
  const std::string of_one = host::text_of(alone);
  EXPECT_TRUE(contains(of_one, "one seed: "));
  EXPECT_TRUE(contains(of_one, "| permutation |")) << of_one;
  ASSERT_EQ(alone.differences.size(), 2u);
  EXPECT_EQ(alone.differences[1].permutation,
            host::permutation_test(value_S, last_S, torch::arange(200), 300, 17));
}

TEST_F(Reports, CellsThatAreComparedByOneModelAreNamed) {
  host::CompareSettings settings;
  settings.against = "markov";
  std::vector<host::CellRun> runs;
  const Tensor floor_S = noise(100), other_S = noise(100);
  const auto add = [&](const std::string& cell, const std::string& last, const Tensor& last_S) {
    runs.push_back(
        {cell,
         17,
         host::lineage_of(experiment()),
         {result({Role::rank_recommender, cell}, {number("item.ndcg@10", noise(100))}, 100),
          result({Role::rank_recommender, last}, {number("item.ndcg@10", last_S)}, 100)}});
  };
  add("markov", "everywhere", floor_S);
  add("popularity", "everywhere", floor_S);
  add("ease", "everywhere", other_S);
  add("sasrec", "sasrec_last", floor_S);
  const host::MatrixReport report = host::matrix_report(settings, runs, 300);
  ASSERT_EQ(report.same.size(), 1u);
  EXPECT_EQ(report.same[0].cell, "popularity");
  const std::string text = host::text_of(report), markdown = host::markdown_of(report);
  for (const std::string& shown : {text, markdown})
    EXPECT_TRUE(contains(shown,
                         "the cells 'popularity' and 'markov' are both compared by "
                         "'everywhere', and its numbers are the same in every row"))
        << shown;
  EXPECT_FALSE(contains(text, "'ease' and")) << text;
  EXPECT_FALSE(contains(text, "'sasrec' and")) << text;
}

// Two cells that train on from one model: what each of them gains, over all seeds.
TEST_F(Reports, ACellsModelIsTestedAgainstTheOneItWasTrainedFrom) {
  host::CompareSettings settings;
  settings.against = "sft";
  std::vector<host::CellRun> runs;
  std::vector<host::SeedRows> gains;
  const host::Lineage lineage = host::lineage_of(experiment());
  for (int64_t seed = 0; seed < 3; ++seed) {
    const Tensor sft_S = noise(100), other_S = noise(100), gain_S = 0.2 + 0.05 * noise(100);
    gains.push_back({gain_S, torch::arange(100)});
    const auto model = [&](const std::string& of, const Tensor& value_S) {
      return result({Role::rank_model, of}, {number("item.ndcg@10", value_S)}, 100);
    };
    runs.push_back({"sft", seed, lineage, {model("sft", sft_S)}});
    runs.push_back({"more", seed, lineage, {model("sft", sft_S), model("grpo", sft_S + gain_S)}});
    runs.push_back(
        {"other", seed, lineage, {model("sft", other_S), model("grpo", other_S + gain_S)}});
  }
  const host::MatrixReport report = host::matrix_report(settings, runs, 300);
  ASSERT_EQ(report.trained.size(), 1u) << "of 'more' it is what the table of cells says";
  const host::MatrixReport::TrainedDifference& found = report.trained[0];
  EXPECT_EQ(found.cell + " " + found.after + " " + found.before, "other grpo sft");
  const host::Difference wanted = host::difference_over_seeds(gains);
  EXPECT_NEAR(found.difference.mean, wanted.mean, 1e-12);
  EXPECT_NEAR(found.difference.interval.low, wanted.interval.low, 1e-9);
  EXPECT_NEAR(found.adjusted, wanted.p, 1e-9);
  EXPECT_EQ(found.rows, 300);
  const std::string text = host::text_of(report);
  EXPECT_TRUE(contains(text, "| against the model it was trained from |")) << text;
  EXPECT_TRUE(contains(text, "\n| other: grpo minus sft ")) << text;
  settings.against = "";
  EXPECT_EQ(host::matrix_report(settings, runs, 300).trained.size(), 2u);
}

TEST_F(Reports, TargetsMoveFromRankToRank) {
  auto stored = results(4, 0);
  EXPECT_FALSE(host::run_report(experiment(), stored).differences[0].movement)
      << "evaluations that were stored without ranks";
  const auto evaluated = [&](const std::string& of, const Tensor& rank_S) {
    return result({Role::rank_model, of}, {number("item.hr@10", (rank_S > 0).to(torch::kFloat64))},
                  4, [&](ArtifactWriter& out) {
                    host::write_target_ranks({rank_S, torch::tensor({0, 0, 2, 1}), 20}, out);
                  });
  };
  stored[2] = evaluated("sft", torch::tensor({1, 5, 7, 0}));
  stored[3] = evaluated("grpo", torch::tensor({2, 12, 7, 9}));
  const host::RunReport report = host::run_report(experiment(), stored);
  const std::string text = host::text_of(report);
  const std::string rank_table =
      "| targets by rank: sft down, grpo across | 1 | 2-3 | 4-5 | 6-10 | 11-20 | out |\n";
  ASSERT_TRUE(contains(text, rank_table)) << text;
  for (const char* row :
       {"1                                      | 0 |   1 |   0 |    0 |     0 |   0 |",
        "4-5                                    | 0 |   0 |   0 |    0 |     1 |   0 |",
        "6-10                                   | 0 |   0 |   0 |    1 |     0 |   0 |",
        "out                                    | 0 |   0 |   0 |    1 |     0 |   0 |"})
    EXPECT_TRUE(contains(text, c10::str("\n| ", row, "\n"))) << row << text;
  const auto json = nlohmann::json::parse(host::numbers_json_of(report));
  const auto& moved = json.at("movements").at("grpo minus sft");
  EXPECT_EQ(moved.at("ranks").size(), 6u);
  EXPECT_EQ(moved.at("from_to")[2][4], 1);
  EXPECT_EQ(moved.at("hits").at("head").at("lost"), 1);
  EXPECT_EQ(moved.at("hits").at("mid").at("gained"), 1);
  EXPECT_EQ(moved.at("hits").at("all").at("before"), 3);
  EXPECT_EQ(moved.at("hits").at("all").at("after"), 3);
}

host::AgainstStart known_with_alarm() {
  host::AgainstStart known;
  known.number = "item.hr@10";
  known.better = Better::higher;
  known.rows = 1000;
  known.start = 0.25;
  known.on_alarm = "warn";
  known.kept = 10;
  known.points = {{10, 0.26, 0.01, {-0.01, 0.03}, 0.05, false},
                  {20, 0.22, -0.03, {-0.05, -0.01}, 0.0625, true}};
  return known;
}

TEST_F(Reports, ATrainingThatFellBelowItsStartIsWarnedOf) {
  auto stored = results(300, 0);
  stored.push_back(result({Role::train, "grpo"}, {}, 0, [](ArtifactWriter& out) {
    host::write_against_start(known_with_alarm(), out);
  }));
  stored.push_back(result({Role::train, "sft"}));  // compares nothing
  const host::RunReport report = host::run_report(experiment(), stored);
  ASSERT_EQ(report.trainings.size(), 1u);
  EXPECT_EQ(report.trainings[0].before, "sft");
  const std::string text = host::text_of(report), warning = report.trainings[0].warning();
  EXPECT_EQ(
      warning,
      "while grpo trained, after steps 20, item.hr@10 is worse than the start's on the same "
      "1000 validation rows: -0.0300 (95 % interval -0.0500 .. -0.0100); it started from sft, "
      "and it hands on the state of step 10");
  EXPECT_TRUE(contains(text, "\nWARNING: " + warning + "\n")) << text;
  EXPECT_TRUE(contains(host::markdown_of(report), "\n**Warning:** " + warning + "\n"));
  EXPECT_TRUE(contains(text, "| training of grpo, item.hr@10 on 1000 validation rows, step |"))
      << text;
  EXPECT_TRUE(contains(text, "-0.0500 .. -0.0100 |   6.2 % | ALARM |\n")) << text;
  EXPECT_TRUE(contains(text, "-0.0100 .. +0.0300 |   5.0 % |  kept |\n")) << text;
  EXPECT_FALSE(contains(text, "as it was"));
  host::RunReport reverted = report;
  reverted.trainings[0].known.kept = 0;
  EXPECT_TRUE(contains(host::text_of(reverted), "\ngrpo hands on the model of sft, as it was\n"))
      << host::text_of(reverted);
  const auto json = nlohmann::json::parse(host::numbers_json_of(report)).at("trainings");
  ASSERT_EQ(json.size(), 1u);
  EXPECT_EQ(json[0].at("stage"), "grpo");
  EXPECT_EQ(json[0].at("validations")[1].at("alarm"), true);
  EXPECT_EQ(json[0].at("sentence"), warning);

  host::CompareSettings settings;
  const std::vector<host::CellRun> runs = {
      {"cell", 3, host::lineage_of(experiment()), {stored[2], stored[3], stored[4]}}};
  const host::MatrixReport matrix = host::matrix_report(settings, runs, 100);
  EXPECT_TRUE(contains(host::text_of(matrix), "\nWARNING: cell, seed 3: while grpo trained"))
      << host::text_of(matrix);
  EXPECT_TRUE(contains(host::text_of(matrix), "| cell, seed 3: grpo")) << host::text_of(matrix);
  EXPECT_TRUE(contains(host::text_of(matrix), "1 of 2 |")) << host::text_of(matrix);
}

TEST_F(Reports, ALongCurveOfAMatrixIsTwentyOfItsSteps) {
  host::MatrixReport report;
  report.cells = {"a"};
  const auto rows_of = [&](int64_t steps) {
    host::MatrixReport::CellCurve curve{"stage.grpo", "train.kl", {}, {}};
    for (int64_t step = 0; step < steps; ++step) {
      curve.steps.push_back(7 * step);
      curve.step_cells.push_back({{1, static_cast<double>(step) / 8, 0}});
    }
    report.curves = {curve};
    std::vector<std::string> rows;
    std::istringstream text(host::text_of(report));
    for (std::string line; std::getline(text, line);) {
      const bool is_head = line.starts_with("| stage.grpo train.kl, step");
      if (line.starts_with("| ") && (is_head || !rows.empty())) rows.push_back(line);
    }
    return rows;
  };
  const std::vector<std::string> few = rows_of(20), many = rows_of(1000);
  ASSERT_EQ(few.size(), 1 + 20);
  EXPECT_FALSE(contains(few[0], " of ")) << few[0];
  ASSERT_EQ(many.size(), 1 + 20);
  EXPECT_TRUE(contains(many[0], "stage.grpo train.kl, step (20 of 1000)")) << many[0];
  EXPECT_TRUE(many[1].starts_with("| 0 ")) << many[1];
  EXPECT_TRUE(many[20].starts_with("| 6993 ")) << many[20];
  EXPECT_TRUE(contains(many[20], "124.875")) << many[20];
  EXPECT_TRUE(contains(many[2], "| 364 ")) << many[2];  // 7 (1 (1000 - 1) / 19)
  EXPECT_TRUE(contains(many[2], "6.5")) << many[2];
}

TEST_F(Reports, NumbersOfATrainingAreMeansOverStretchesOfItsSteps) {
  std::vector<host::Curve> curves = {{{Role::train, "grpo"}, "train.reward", {}, {}},
                                     {{Role::train, "grpo"}, "valid.loss", {5, 10}, {0.5, 0.25}},
                                     {{Role::train, "grpo"}, "valid.hr", {0, 10}, {9, 2}},
                                     {{Role::train, "grpo"}, "watched", {3}, {7}},
                                     {{Role::quantize}, "train.loss", {0}, {1}}};
  for (int64_t step = 0; step < 10; ++step) {
    curves[0].steps.push_back(step);
    curves[0].values.push_back(static_cast<double>(step * step));
  }
  const auto trainings = host::training_curves(curves, /*most_stretches=*/4);
  ASSERT_EQ(trainings.size(), 1u);
  EXPECT_EQ(trainings[0].stage, "grpo");
  EXPECT_EQ(trainings[0].stretches, (std::vector<std::string>{"1-2", "3-5", "6-7", "8-10"}));
  ASSERT_EQ(trainings[0].rows.size(), 3u);
  using Values = std::vector<std::optional<double>>;
  EXPECT_EQ(trainings[0].rows[0].values,
            (Values{(0 + 1) / 2.0, (4 + 9 + 16) / 3.0, (25 + 36) / 2.0, (49 + 64 + 81) / 3.0}));
  EXPECT_EQ(trainings[0].rows[1].values, (Values{{}, 0.5, {}, 0.25}));
  EXPECT_EQ(trainings[0].rows[2].values, (Values{{}, {}, {}, 2.0})) << "the start is in no stretch";
  EXPECT_EQ(host::training_curves(curves)[0].stretches.size(), 8u);

  host::RunReport report = host::run_report(experiment(), results(30, 0));
  report.curves = curves;
  EXPECT_TRUE(contains(host::markdown_of(report), "\n| grpo, mean over steps | 1 | 2 |"))
      << host::markdown_of(report);
  EXPECT_FALSE(contains(host::text_of(report), "mean over steps"));
}

TEST_F(Reports, CsvHoldsEveryNumberAndSideBySideOnlyColumns) {
  const host::RunReport report = host::run_report(experiment(), results(300, 50));
  const std::string csv = host::csv_of(report);
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 1 + 1 + 2 + 2);
  EXPECT_TRUE(contains(csv, "\ngrpo,coverage@10,0.5\n")) << csv;
  std::vector<std::filesystem::path> runs;
  for (const char* run : {"first", "second"}) {
    runs.push_back(folder_.path() / run);
    std::filesystem::create_directories(runs.back());
    io::write_text(runs.back() / "numbers.json", host::numbers_json_of(report));
  }
  const std::string table = host::side_by_side(runs);
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 2 + 2 * 3) << table;
  EXPECT_TRUE(contains(table, "second:grpo")) << table;
  EXPECT_TRUE(contains(table, "(+0.0000)")) << table;
  EXPECT_FALSE(contains(table, "alarms")) << table;
}

// A cell of recommenders alone stands for the last of them; what is the same everywhere stands
// there once.
TEST_F(Reports, AComparisonShowsTheRecommendersOfEveryCell) {
  host::CompareSettings settings;
  settings.against = "narrow";
  std::vector<host::CellRun> runs;
  const Tensor floor_S = coins(200, 0.2), narrow_S = coins(200, 0.5);
  const auto add = [&](const std::string& cell, int64_t seed, const std::string& name,
                       const Tensor& hit_S) {
    runs.push_back(
        {cell,
         seed,
         {},
         {result({Role::rank_recommender, "markov"}, {number("item.hr@10", floor_S)}, 200),
          result({Role::rank_recommender, name}, {number("item.hr@10", hit_S)}, 200)}});
  };
  for (int64_t seed = 0; seed < 3; ++seed) {
    add("narrow", seed, "sasrec", narrow_S);
    add("wide", seed, "sasrec", without(narrow_S, 30 + seed));
    add("other", seed, "hstu", without(narrow_S, 40));
  }
  const host::MatrixReport report = host::matrix_report(settings, runs, 500);
  std::vector<std::string> labels;
  for (const auto& row : report.rows) labels.push_back(row.label);
  EXPECT_EQ(labels, (std::vector<std::string>{"markov", "narrow:sasrec", "wide:sasrec", "hstu"}));
  const double narrow = narrow_S.mean().item<double>();
  EXPECT_NEAR(report.rows[1].numbers[0].mean, narrow, 1e-12);
  EXPECT_NEAR(report.rows[2].numbers[0].mean, narrow - 31.0 / 200, 1e-12);
  EXPECT_NEAR(report.rows[2].numbers[0].deviation, 1.0 / 200, 1e-12);
  EXPECT_NEAR(report.rows[3].numbers[0].mean, narrow - 40.0 / 200, 1e-12);
  ASSERT_EQ(report.differences.size(), 2u);
  EXPECT_EQ(report.differences[0].cell, "wide");
  EXPECT_NEAR(report.differences[0].difference.mean, -31.0 / 200, 1e-12);
  EXPECT_EQ(report.differences[1].cell, "other");
  EXPECT_NEAR(report.differences[1].difference.mean, -40.0 / 200, 1e-12);
  std::vector<std::string> cells, verdicts;
  for (const auto& row : report.rows) cells.push_back(row.cell);
  EXPECT_EQ(cells, (std::vector<std::string>{"", "narrow", "wide", "other"}));
  using Verdict = host::ResultsTable::Verdict;
  for (const auto& row : host::results_table(report, "a title").rows)
    verdicts.emplace_back(row.cells[0].verdict == Verdict::worse ? "worse" : "");
  EXPECT_EQ(verdicts, (std::vector<std::string>{"", "", "worse", "worse"}));
}

// A rule to stop by looks at what the table compares: recommenders, too.
TEST_F(Reports, ARuleToStopByTakesRecommendersForModels) {
  host::CompareSettings settings;
  settings.cells = {{{{"a", "narrow"}}, {}}, {{{"a", "wide"}}, {}}};
  settings.against = "narrow";
  settings.stop_when = host::StopRule{"item.hr@10", 0.0, 3, 5};
  std::vector<host::CellRun> runs;
  const Tensor narrow_S = coins(200, 0.5);
  for (int64_t seed = 0; seed < 3; ++seed) {
    for (const char* cell : {"narrow", "wide"}) {
      const Tensor hit_S = cell == std::string("wide") ? without(narrow_S, 60 + seed) : narrow_S;
      runs.push_back(
          {cell,
           seed,
           {},
           {result({Role::rank_recommender, "sasrec"}, {number("item.hr@10", hit_S)}, 200)}});
    }
  }
  host::Stopping stopping(settings);
  stopping.look(runs);
  EXPECT_EQ(stopping.cells().at(0).decision.outcome, host::Outcome::differs);
  EXPECT_TRUE(stopping.is_over());
  for (host::CellRun& run : runs) run.results.clear();
  EXPECT_TRUE(contains(message_of<ConfigError>([&] { host::Stopping(settings).look(runs); }),
                       "the cell 'wide' evaluates nothing that could be compared"));
}

// 8 hits lost of 200 rows are too few for one seed, and enough over five.
TEST_F(Reports, AComparisonWarnsOverTheSeedsOfACell) {
  host::CompareSettings settings;
  std::vector<host::CellRun> runs;
  const auto add = [&](const std::string& cell, int64_t seed, int64_t lost) {
    const Tensor hit_S = coins(200, 0.4);
    Tensor after_S = without(hit_S, lost);
    after_S.index_put_({(1 - hit_S).nonzero().flatten().slice(0, 0, 2)}, 1);  // and 2 won
    runs.push_back({cell,
                    seed,
                    host::lineage_of(experiment()),
                    {result({Role::rank_model, "sft"}, {number("item.hr@10", hit_S)}, 200),
                     result({Role::rank_model, "grpo"}, {number("item.hr@10", after_S)}, 200)}});
  };
  add("worse", 0, 8);
  EXPECT_TRUE(host::matrix_report(settings, runs, 1000).alarms.empty());
  for (int64_t seed = 1; seed < 5; ++seed) add("worse", seed, 8);
  for (int64_t seed = 0; seed < 5; ++seed) add("same", seed, 2);
  const host::MatrixReport report = host::matrix_report(settings, runs, 1000);
  ASSERT_EQ(report.alarms.size(), 1u);
  EXPECT_EQ(report.alarms[0].cell, "worse");
  EXPECT_NEAR(report.alarms[0].difference, -6.0 / 200, 1e-12);
  // 40 of 50 changed rows were lost: the exact two-sided binomial test.
  double p = 0;
  for (int k = 0; k <= 10; ++k)
    p +=
        2 * std::exp(std::lgamma(51) - std::lgamma(k + 1) - std::lgamma(51 - k) - 50 * std::log(2));
  EXPECT_NEAR(report.alarms[0].p, p, 1e-9);
  const std::string line = "WARNING: worse: grpo is worse than sft";
  EXPECT_TRUE(contains(host::text_of(report), line)) << host::text_of(report);
  EXPECT_TRUE(contains(host::markdown_of(report), "**Warning:** worse: grpo is worse than sft"));
  EXPECT_EQ(report.rows.size(), 4u);
  EXPECT_EQ(report.values.size(), 20u);
}

}  // namespace
}  // namespace tsrec::test
