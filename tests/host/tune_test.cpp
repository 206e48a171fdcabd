// [tune]: what is tried, by what it is chosen, and that nothing of it sees a test row or is done
// twice.
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "cli_support.hpp"
#include "pipeline/artefacts.hpp"
#include "pipeline/runner.hpp"
#include "pipeline/trial.hpp"
#include "plugin/registry.hpp"
#include "report/markdown.hpp"
#include "support/published_files.hpp"

namespace tsrec::test {
namespace {

namespace fs = std::filesystem;
using Role = host::StageId::Role;

// Floors over a made-up catalogue: no model of language, so a trial takes a moment.
const std::string kTunedFloors =
    "[run]\nname = \"floors\"\nthreads = 2\nprecision = \"float32\"\n"
    "[source]\nuse = \"synthetic\"\nitems = 120\nusers = 300\nseed = 3\n"
    "[[recommender]]\nuse = \"popularity\"\n"
    "[[recommender]]\nuse = \"markov\"\n"
    "[evaluate]\nmetric = [{ use = \"hr\", k = [5, 10] }, { use = \"ndcg\", k = [10] }]\n";

class TuneOf : public ::testing::Test {
 protected:
  host::Experiment read(const std::string& text) {
    host::DocumentRequest request;
    request.file = folder_.write("experiment.toml", text);
    return host::make_experiment(host::Document::load(request), registry_);
  }
  // What is wrong with it, in front of a sentence that must stand there.
  void refuse(const std::string& text, const std::string& sentence) {
    try {
      read(text);
      ADD_FAILURE() << "not refused: " << text;
    } catch (const ConfigError& error) {
      EXPECT_TRUE(contains(error.what(), sentence)) << error.what() << "\nnot: " << sentence;
    }
  }
  static host::TuneSettings settings(const std::string& search, int64_t trials, int64_t seed = 1) {
    host::TuneSettings tune;
    tune.search = search;
    tune.trials = trials;
    tune.seed = seed;
    return tune;
  }

  TempFolder folder_;
  host::Registry registry_{{}, ""};
};

host::Node number_node(double value) {
  host::Node node;
  node.value = value;
  return node;
}

host::TunedOption listed(const std::string& path, const std::vector<double>& values) {
  host::TunedOption option{.path = path, .origin = {}};
  for (const double value : values) option.values.push_back(number_node(value));
  return option;
}

host::TunedOption ranged(const std::string& path, double low, double high, bool is_log = false,
                         bool is_whole = false) {
  return {.path = path,
          .origin = {},
          .values = {},
          .low = low,
          .high = high,
          .is_log = is_log,
          .is_whole = is_whole};
}

host::TunedModel model_of(std::vector<host::TunedOption> options) {
  return {.name = "m", .place = "recommender.m", .options = std::move(options)};
}

TEST_F(TuneOf, RefusesWhatItCannotChooseFrom) {
  const auto space = [](const std::string& lines) { return kTunedFloors + "[tune]\n" + lines; };
  refuse(space(""), "[tune] needs a space, such as [tune.space.sasrec]");
  refuse(space("trails = 3\n[tune.space.markov]\ndecay = [0.1]\n"), "did you mean 'trials'?");
  refuse(space("trials = 0\n[tune.space.markov]\ndecay = [0.1]\n"), "trials");
  refuse(space("[tune.space.markof]\ndecay = [0.1]\n"),
         "[tune.space.markof]: no [[recommender]] and no [[stage]] is called so; did you mean "
         "'markov'?");
  refuse(space("[tune.space.markov]\n"), "[tune.space.markov] must name at least one option");
  refuse(space("[tune.space.markov]\ndecay = []\n"),
         "[tune.space.markov] decay has no values to choose from");
  refuse(space("[tune.space.markov]\ndecay = 0.5\n"),
         "[tune.space.markov] decay must be a list of values, or a range such as { low = 1e-4");
  refuse(space("[tune.space.markov]\ndecay = { low = 0.5 }\n"), "option 'high' is missing");
  refuse(space("[tune.space.markov]\ndecay = { low = 0.5, high = 0.5 }\n"),
         "whose low does not lie below its high");
  refuse(space("[tune.space.markov]\ndecay = { low = 0, high = 0.5, log = true }\n"),
         "its low is not above 0");
  refuse(space("[tune.space.markov]\ndecay = { low = 0.1, hihg = 0.5 }\n"), "did you mean 'high'?");
  refuse(space("[tune.space.markov]\nuse = [\"popularity\"]\n"), "cannot be chosen");
  refuse(space("search = \"grid\"\n[tune.space.markov]\ndecay = { low = 0.1, high = 0.5 }\n"),
         "decay is a range, and a grid needs a list of values");
  refuse(space("[tune.space.markov]\ndecay = [0.1]\n") + "[[recommender]]\n", "use = ");
  std::string pinned = space("[tune.space.markov]\ndecay = [0.1]\n");
  const std::string use = "use = \"markov\"\n";
  pinned.insert(pinned.find(use) + use.size(), "seed = 5\n");
  refuse(pinned, "'markov' has a seed of its own");
  std::string valid = space("[tune.space.markov]\ndecay = [0.1]\n");
  valid.insert(valid.find("metric = "), "split = \"valid\"\n");
  refuse(valid, "would report on the same; say  split = \"test\"");
}

TEST_F(TuneOf, TheSeedsOfTheReportAreOthersThanThatOfTheTrials) {
  const std::string space = "[tune.space.markov]\ndecay = [0.1]\n";
  const auto seeds = [&](const std::string& lines) {
    return host::reporting_seeds(read(kTunedFloors + "[tune]\n" + lines + space));
  };
  const auto refused = [&](const std::string& lines, const std::string& sentence) {
    try {
      seeds(lines);
      ADD_FAILURE() << lines;
    } catch (const ConfigError& error) {
      EXPECT_TRUE(contains(error.what(), sentence)) << error.what();
    }
  };
  EXPECT_EQ(seeds(""), std::vector<int64_t>({17}));
  EXPECT_EQ(seeds("seeds = [4, 5]\n"), std::vector<int64_t>({4, 5}));
  refused("seeds = [4, 1]\n", "[tune] seed = 1 is among the seeds of the report ([tune] seeds)");
  refused("seed = 17\n", "[tune] seed = 17 is among the seeds of the report ([run] seed)");
  refused("seeds = [4, 4]\n", "the seed 4 stands twice");
}

TEST_F(TuneOf, ADrawIsAFunctionOfSeedNamesAndItsPlaceAlone) {
  const host::TunedOption a = ranged("a", 1e-4, 1e-1, /*is_log=*/true), b = listed("b", {1, 2, 3});
  const auto five = host::trials_of(settings("random", 5), model_of({a, b})),
             nine = host::trials_of(settings("random", 9), model_of({a, b})),
             alone = host::trials_of(settings("random", 5), model_of({a})),
             other = host::trials_of(settings("random", 5, /*seed=*/2), model_of({a, b}));
  ASSERT_EQ(five.size(), 5U);
  ASSERT_EQ(nine.size(), 9U);
  for (size_t i = 0; i < five.size(); ++i) {
    EXPECT_EQ(five[i], nine[i]) << "more trials leave the first as they are";
    EXPECT_EQ(five[i][0], alone[i][0]) << "so does another option";
    EXPECT_NE(five[i][0], other[i][0]);
    EXPECT_EQ(five[i][0].first, "recommender.m.a");
  }
  host::TunedModel renamed = model_of({a, b});
  renamed.name = "n";
  EXPECT_NE(host::trials_of(settings("random", 5), renamed)[0][0], five[0][0]);
}

TEST_F(TuneOf, RangesAreCoveredEvenly) {
  constexpr int64_t kDraws = 2000;
  const auto draws =
      host::trials_of(settings("random", kDraws),
                      model_of({ranged("plain", 0, 0.5), ranged("log", 1e-4, 1e-1, /*is_log=*/true),
                                ranged("whole", 1, 4, /*is_log=*/false, /*is_whole=*/true),
                                ranged("octaves", 1, 7, /*is_log=*/true, /*is_whole=*/true)}));
  ASSERT_EQ(static_cast<int64_t>(draws.size()), kDraws);
  // Shares of a half, of a third, of a fourth and of a third: five standard errors.
  const auto near = [&](int64_t count, double share) {
    const double error = std::sqrt(share * (1 - share) * kDraws);
    EXPECT_NEAR(static_cast<double>(count), share * kDraws, 5 * error);
  };
  int64_t low_half = 0, low_decade = 0, low_octave = 0;
  std::map<int64_t, int64_t> whole;
  std::set<double> plain_values;
  for (const auto& draw : draws) {
    const double plain = std::get<double>(draw[0].second.value),
                 log = std::get<double>(draw[1].second.value);
    ASSERT_TRUE(plain >= 0 && plain <= 0.5 && log >= 1e-4 && log <= 1e-1);
    low_half += plain < 0.25;
    low_decade += log < 1e-3;
    ++whole[std::get<int64_t>(draw[2].second.value)];
    low_octave += std::get<int64_t>(draw[3].second.value) == 1;
    plain_values.insert(plain);
    // Three digits: what a table shows is all of it.
    std::array<char, 32> shown;
    std::snprintf(shown.data(), shown.size(), "%.3g", log);
    ASSERT_EQ(std::strtod(shown.data(), nullptr), log);
  }
  near(low_half, 0.5);
  near(low_decade, 1.0 / 3);
  near(low_octave, 1.0 / 3);  // 1, 2 to 3 and 4 to 7 are an octave each
  ASSERT_EQ(whole.size(), 4U);
  for (const auto& [value, count] : whole) near(count, 0.25);
  EXPECT_GT(plain_values.size(), 400U);
}

TEST_F(TuneOf, AShortRangeHasAsManyValuesAsALongOne) {
  const auto draws = host::trials_of(
      settings("random", 300),
      model_of({ranged("high", 0.998, 0.9999), ranged("large", 1e5, 1e6),
                ranged("near", 0.5, 0.6, /*is_log=*/true), ranged("vast", 1, 1e300)}));
  for (size_t option = 0; option < 3; ++option) {
    std::set<double> values;
    for (const auto& draw : draws) values.insert(std::get<double>(draw[option].second.value));
    EXPECT_GT(values.size(), 200U) << draws[0][option].first;
  }
  for (const auto& draw : draws) {
    EXPECT_LE(draw[0].second.toml().size(), 9U) << "0.998 and a digit or three: all of it is shown";
    EXPECT_LE(std::get<double>(draw[3].second.value), 1e300);
  }
}

TEST_F(TuneOf, AGridHasEveryCombinationOnceAndIsCutWithoutAPreference) {
  const host::TunedModel grid = model_of({listed("a", {1, 2, 3, 4}), listed("b", {5, 6, 7})});
  EXPECT_EQ(host::combinations(grid), 12);
  const auto all = host::trials_of(settings("grid", 100), grid);
  ASSERT_EQ(all.size(), 12U);
  std::set<std::pair<double, double>> seen;
  for (const auto& trial : all)
    seen.emplace(std::get<double>(trial[0].second.value), std::get<double>(trial[1].second.value));
  EXPECT_EQ(seen.size(), 12U);
  for (const double a : {1, 2, 3, 4}) {
    for (const double b : {5, 6, 7}) EXPECT_TRUE(seen.contains({a, b})) << a << " " << b;
  }
  const auto cut = host::trials_of(settings("grid", 5), grid);
  ASSERT_EQ(cut.size(), 5U);
  EXPECT_TRUE(std::equal(cut.begin(), cut.end(), all.begin()));
  // Over many seeds each combination is among the five as often as any other.
  std::map<std::string, int64_t> kept;
  constexpr int64_t kSeeds = 1200;
  for (int64_t seed = 0; seed < kSeeds; ++seed) {
    for (const auto& trial : host::trials_of(settings("grid", 5, seed), grid))
      ++kept[host::text_of(trial, grid)];
  }
  ASSERT_EQ(kept.size(), 12U);
  const double share = 5.0 / 12, error = std::sqrt(share * (1 - share) * kSeeds);
  for (const auto& [values, count] : kept) {
    EXPECT_NEAR(static_cast<double>(count), share * kSeeds, 5 * error) << values;
  }
}

TEST_F(TuneOf, NothingIsTriedTwice) {
  const auto random = host::trials_of(settings("random", 50), model_of({listed("a", {1, 2, 3})}));
  EXPECT_EQ(random.size(), 3U);
  const auto grid = host::trials_of(settings("grid", 50), model_of({listed("a", {1, 2, 2})}));
  EXPECT_EQ(grid.size(), 2U);
}

// An integer range of a number that need not be whole is no list of two.
TEST_F(TuneOf, ARangeIsOfTheTypeOfItsOption) {
  const host::Experiment experiment =
      read(kTunedFloors + "[tune]\n[tune.space.markov]\ndecay = { low = 0, high = 1 }\n");
  ASSERT_EQ(experiment.tune.models.size(), 1U);
  EXPECT_FALSE(experiment.tune.models[0].options[0].is_whole);
  const host::Experiment smoke =
      read("include = \"" + kSmoke +
           "/experiment.toml\"\n[tune.space.sft]\npatience = { low = 1, high = 4 }\n"
           "batch_rows = { low = 32, high = 128 }\nlearning_rate = { low = 1, high = 2 }\n");
  const auto& options = smoke.tune.models.at(0).options;
  EXPECT_TRUE(options.at(0).is_whole) << "a key of the host";
  EXPECT_TRUE(options.at(1).is_whole);
  EXPECT_FALSE(options.at(2).is_whole);
}

TEST_F(TuneOf, TheBestIsTheFirstOfTheBest) {
  using Values = std::vector<std::optional<double>>;
  const double nan = std::nan("");
  EXPECT_EQ(host::best_of(Values{0.1, 0.3, std::nullopt, 0.3}, Better::higher), 1U);
  EXPECT_EQ(host::best_of(Values{0.3, nan, 0.1, 0.1}, Better::lower), 2U);
  EXPECT_EQ(host::best_of(Values{nan, 0.1}, Better::higher), 1U);
  EXPECT_EQ(host::best_of(Values{std::nullopt, nan}, Better::higher), std::nullopt);
}

TEST_F(TuneOf, ATrialIsWhatItsModelNeedsAndAValidationBehindIt) {
  const host::Experiment smoke =
      read("include = \"" + kSmoke +
           "/experiment.toml\"\n[tune]\nrows = 50\n[tune.space.grpo]\nlearning_rate = [1e-3]\n"
           "[tune.space.sft]\nlearning_rate = [1e-3]\n[tune.space.markov]\ndecay = [0.1]\n");
  const auto texts = [&](const std::string& model) {
    std::vector<std::string> names;
    for (const host::Stage& stage : host::trial_of(smoke, model).stages)
      names.push_back(stage.id.text());
    return names;
  };
  using Texts = std::vector<std::string>;
  EXPECT_EQ(texts("markov"), Texts({"load", "embed", "quantize", "resolve", "extract", "audit",
                                    "recommender.markov", "validate.markov"}));
  EXPECT_EQ(texts("sft"), Texts({"load", "embed", "quantize", "resolve", "extract", "audit",
                                 "backbone", "extend", "stage.sft", "validate.sft"}));
  EXPECT_EQ(texts("grpo").size(), texts("sft").size() + 1);
  EXPECT_EQ(host::tuned_before(smoke, "grpo"), std::set<std::string>({"sft"}));
  EXPECT_TRUE(host::tuned_before(smoke, "sft").empty());
  // Its key names the rows that it ranks; those of the report's stages know nothing of [tune].
  const TempFolder place;
  const host::Store store(place.path());
  const host::Stage validation = host::trial_of(smoke, "markov").stages.back();
  const std::string key = host::key_text(validation, smoke.run,
                                         std::vector<std::string>(validation.inputs.size()), store);
  EXPECT_TRUE(contains(key, "evaluate split = \"valid\"\n")) << key;
  EXPECT_TRUE(contains(key, "evaluate limit = 50\n")) << key;
  const host::Experiment plain = read("include = \"" + kSmoke + "/experiment.toml\"\n");
  ASSERT_EQ(plain.stages.size(), smoke.stages.size());
  for (size_t i = 0; i < plain.stages.size(); ++i) {
    const std::vector<std::string> digests(plain.stages[i].inputs.size());
    EXPECT_EQ(host::key_text(plain.stages[i], plain.run, digests, store),
              host::key_text(smoke.stages[i], smoke.run, digests, store));
  }
}

// Entries of lists are written as lists with names, at any depth; the document merges to the same
// experiment as the overrides.
TEST_F(TuneOf, WhatWasChosenIsADocumentToMerge) {
  host::DocumentRequest request;
  request.file = kSmoke;
  host::Node word;
  word.value = std::string("token");
  const host::DocumentRequest::Overrides chosen = {
      {"recommender.markov.decay", number_node(0.25)},
      {"stage.sft.learning_rate", number_node(2e-3)},
      {"stage.sft.normalize", word},
      {"stage.grpo.reward.rank_penalty.weight", number_node(0.5)},
      {"quantizer.codes_table.deep", number_node(2)}};
  request.overrides = chosen;
  const host::Document expected = host::Document::load(request);
  request.overrides.clear();
  const host::Node document = host::document_of(chosen, host::Document::load(request).root());
  request.with = {folder_.write("tuned.toml", document.toml())};
  const host::Document merged = host::Document::load(request);
  const auto at = [](const host::Document& from, const char* list, size_t entry) {
    return &std::get<host::Node::List>(from.root().find(list)->value).at(entry);
  };
  for (const host::Document* one : {&expected, &merged}) {
    EXPECT_EQ(*at(*one, "recommender", 2)->find("decay"), number_node(0.25)) << document.toml();
    EXPECT_EQ(*at(*one, "stage", 0)->find("learning_rate"), number_node(2e-3));
    EXPECT_EQ(*at(*one, "stage", 0)->find("normalize"), word);
    const auto& rewards = std::get<host::Node::List>(at(*one, "stage", 1)->find("reward")->value);
    ASSERT_EQ(rewards.size(), 2U);
    EXPECT_EQ(*rewards.at(1).find("weight"), number_node(0.5));
    EXPECT_EQ(*one->root().find("quantizer")->find("codes_table")->find("deep"), number_node(2));
  }
}

TEST_F(TuneOf, TheTableNamesChosenValuesAndTrials) {
  host::TuneReport report;
  report.number = "item.hr@10";
  report.settings = settings("grid", 3);
  report.seeds = {7, 8};
  report.models = {
      {.name = "markov",
       .combinations = 9,
       .trials = {{"decay = 0.1", 0.25, 1.5},
                  {"decay = 0.2", std::nullopt, 0.5, "recommender.markov: no"},
                  {"decay = 0.3", 0.5, 2}},
       .chosen = 2},
      {.name = "hidden", .combinations = 0, .trials = {{"x = 1", 0.125, 1}}, .chosen = 0}};
  report.reported.cells = {host::kTuned};
  report.reported.numbers = {"item.hr@10"};
  report.reported.rows = {{"markov", {{2, 0.5, 0.1}}},
                          {std::string(host::kTuned) + ":sft", {{2, 0.25, 0}}}};
  const std::string text = host::markdown_of(report);
  for (const char* line :
       {"| of     |      chosen | trials | seconds | valid item.hr@10 |      item.hr@10 |\n",
        "| markov | decay = 0.3 | 3 of 9 |     4.0 |           0.5000 | 0.5000 ± 0.1000 |\n",
        "| sft    |             |      0 |         |                  | 0.2500 ± 0.0000 |\n",
        "| hidden |       x = 1 |      1 |     1.0 |           0.1250 |                 |\n",
        "at most 3 trials for every model, grid search, seed 1; chosen by item.hr@10 of all "
        "validation rows; reported with seeds 7, 8\n",
        "| 3 (chosen)      | decay = 0.3 |           0.5000 |     2.0 |\n",
        "| 2               | decay = 0.2 |           failed |     0.5 |\n",
        "1 of 3 trials of 'markov' failed; the first of them, decay = 0.2: recommender.markov: no"})
    EXPECT_TRUE(contains(text, line)) << line << "\n" << text;
}

// --- through the executable

struct Tuned {
  Outcome outcome;
  fs::path folder;
  nlohmann::json json;
};

Tuned tune(const fs::path& experiment, const TempFolder& store, const std::string& more = "") {
  Tuned tuned{
      run("tune " + experiment.string() + " --store " + store.path().string() + more), {}, {}};
  if (tuned.outcome.code != 0) return tuned;
  tuned.folder = between(tuned.outcome.text, "\nrun folder: ", "\n");
  tuned.json = nlohmann::json::parse(io::read_text(tuned.folder / "tuning.json"));
  return tuned;
}

// Stored and left alone: nothing is made again.
void expect_nothing_ran(const Outcome& outcome) {
  for (const char* made :
       {"\nload  (", "recommender.markov  (", "validate.markov  (", "evaluate.markov  ("})
    EXPECT_EQ(occurrences("\n" + outcome.text, made), 0) << made << "\n" << outcome.text;
}

TEST_F(TuneOf, ChoosesByValidationRowsAndReportsOnOthers) {
  const TempFolder store;
  const fs::path experiment = folder_.write(
      "floors.toml", kTunedFloors +
                         "[tune]\nsearch = \"grid\"\nseeds = [5, 6]\nwatch = \"item.ndcg@10\"\n"
                         "[tune.space.markov]\ndecay = [0.0, 0.5, 1.0]\n");
  const fs::path out = folder_.path() / "tuned.toml";
  const Tuned first = tune(experiment, store, " --out " + out.string());
  ASSERT_EQ(first.outcome.code, 0) << first.outcome.text;
  EXPECT_EQ(occurrences(first.outcome.text, "\nload  ("), 1)
      << "its seed is pinned, and trials share it";
  EXPECT_EQ(occurrences(first.outcome.text, "recommender.markov  ("), 3 + 2);
  EXPECT_EQ(occurrences(first.outcome.text, "validate.markov  ("), 3);
  const auto& model = first.json.at("models").at("markov");
  ASSERT_EQ(model.at("trials").size(), 3U);

  // Every trial's number is what a plain run over the validation rows says, and the best is chosen.
  std::string valid = kTunedFloors;
  valid.insert(valid.find("metric = "), "split = \"valid\"\n");
  const std::string plain = folder_.write("plain.toml", valid).string();
  double best = -1;
  std::string values;
  for (const auto& trial : model.at("trials")) {
    const auto text = trial.at("values").get<std::string>();
    const std::string value = between(text + "\n", "decay = ", "\n");
    const Outcome alone =
        run("run " + plain + " --set run.seed=1 --set recommender.markov.decay=" + value +
            " --store " + store.path().string());
    ASSERT_EQ(alone.code, 0) << alone.text;
    const fs::path made = between(alone.text, "\nrun folder: ", "\n");
    const auto numbers = nlohmann::json::parse(io::read_text(made / "numbers.json"));
    const double number = trial.at("number").get<double>();
    EXPECT_EQ(number, numbers.at("markov").at("item.ndcg@10").get<double>()) << text;
    if (number > best) {
      best = number;
      values = value;
    }
  }
  const size_t chosen = model.at("chosen").get<size_t>();
  EXPECT_EQ(model.at("trials").at(chosen).at("number").get<double>(), best);
  const std::string text = io::read_text(out);
  EXPECT_TRUE(contains(text, "decay = " + values + "\n")) << text;
  EXPECT_EQ(text, io::read_text(first.folder / "tuned.toml"));
  EXPECT_EQ(first.json.at("reported").at("markov").at("item.ndcg@10").at("seeds").get<int>(), 2);
  EXPECT_TRUE(first.json.at("reported").contains("popularity"));

  const Tuned again = tune(experiment, store);
  ASSERT_EQ(again.outcome.code, 0) << again.outcome.text;
  expect_nothing_ran(again.outcome);
  EXPECT_EQ(again.json, first.json);

  // The document that it wrote gives the very stages of the report.
  const Outcome with = run("run " + experiment.string() + " --with " + out.string() +
                           " --set run.seed=5 --store " + store.path().string());
  ASSERT_EQ(with.code, 0) << with.text;
  expect_nothing_ran(with);
}

}  // namespace
}  // namespace tsrec::test
