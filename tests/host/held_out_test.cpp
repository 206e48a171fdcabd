// RL behind SFT in whole runs: on rows that SFT has not seen, compared with its start, and selected
// by ranked validation rows.
#include <nlohmann/json.hpp>

#include "cli_support.hpp"
#include "pipeline/store.hpp"

namespace tsrec::test {
namespace {

namespace fs = std::filesystem;

Outcome smoke(const TempFolder& store, const std::string& set) {
  return run("run " + kSmoke + " --store " + store.path().string() + set);
}

nlohmann::json numbers_of(const Outcome& outcome) {
  const fs::path folder = between(outcome.text, "\nrun folder: ", "\n");
  return nlohmann::json::parse(io::read_text(folder / "numbers.json"));
}

TEST(HeldOut, RlTrainsOnRowsThatSftHasNotSeen) {
  const TempFolder store;
  const Outcome outcome =
      smoke(store, " --set stage.sft.rows=first:0.7 --set stage.grpo.rows=last:0.3");
  ASSERT_EQ(outcome.code, 0) << outcome.text;
  const int64_t all = std::stoll(between(outcome.text, "items; rows: ", " train"));
  const int64_t first = (7 * all + 5) / 10;
  EXPECT_TRUE(contains(outcome.text,
                       c10::str("rows = \"first:0.7\": ", first, " of ", all, " training rows\n")))
      << outcome.text;
  EXPECT_TRUE(contains(outcome.text, c10::str("rows = \"last:0.3\": ", all - first, " of ", all,
                                              " training rows; 0 of them are rows of 'sft'\n")))
      << outcome.text;
  EXPECT_TRUE(contains(outcome.text, c10::str("grpo: ", all - first, " prompts"))) << outcome.text;
}

TEST(HeldOut, RlIsComparedWithItsStartAndNeverSelectedByReward) {
  const TempFolder store;
  const Outcome outcome = smoke(store, "");
  ASSERT_EQ(outcome.code, 0) << outcome.text;
  const auto trainings = numbers_of(outcome).at("trainings");
  ASSERT_EQ(trainings.size(), 1u) << "sft starts from no trained model";
  const auto& grpo = trainings[0];
  EXPECT_EQ(grpo.at("stage"), "grpo");
  EXPECT_EQ(grpo.at("before"), "sft");
  EXPECT_EQ(grpo.at("number"), "item.hr@10");
  EXPECT_EQ(grpo.at("rows"), 300) << "all validation rows, as there are fewer than 1000";
  // The best of what is better by its whole interval is kept, and the start where nothing is.
  double best = grpo.at("start").get<double>();
  int64_t kept = 0;
  for (const auto& point : grpo.at("validations")) {
    if (point.at("interval").at(0).get<double>() > 0 && point.at("value").get<double>() > best) {
      best = point.at("value").get<double>();
      kept = point.at("step").get<int64_t>();
    }
  }
  EXPECT_EQ(grpo.at("kept"), kept);
  EXPECT_EQ(grpo.at("validations").size(), 2u);
  EXPECT_TRUE(contains(outcome.text, "power: with 300 evaluated rows")) << outcome.text;
  const auto moved = numbers_of(outcome).at("movements").at("grpo minus sft");
  int64_t rows = 0;
  for (const auto& from : moved.at("from_to")) {
    for (const auto& count : from) rows += count.get<int64_t>();
  }
  EXPECT_EQ(rows, 300);
  const fs::path folder = between(outcome.text, "\nrun folder: ", "\n");
  const std::string markdown = io::read_text(folder / "results.md");
  for (const char* name : {"train.reward", "train.reward.exact_match", "train.zero_variance",
                           "train.kl", "train.advantage"})
    EXPECT_TRUE(contains(markdown, c10::str("\n| ", name, " "))) << name;
}

// A model that knows more than chance does, and a learning rate that destroys it.
const std::string kRuin =
    " --set source.users=2000 --set evaluate.limit=300 --set 'stage.sft.tasks=[\"next_item\"]'"
    " --set stage.sft.max_steps=400 --set stage.sft.epochs=4 --set stage.sft.learning_rate=1e-2"
    " --set stage.sft.dropout=0 --set stage.sft.validate_every=200"
    " --set stage.grpo.learning_rate=1 --set stage.grpo.kl=0 --set stage.grpo.select=last";

TEST(HeldOut, ARuinedModelIsWarnedOfAndRevertHandsOnTheStart) {
  const TempFolder store;
  const Outcome warned = smoke(store, kRuin);
  ASSERT_EQ(warned.code, 0) << warned.text;
  EXPECT_TRUE(contains(warned.text, "\nWARNING: while grpo trained, after steps ")) << warned.text;
  EXPECT_TRUE(contains(warned.text, "  warning: step ")) << warned.text;

  const Outcome reverted = smoke(store, kRuin + " --set stage.grpo.on_alarm=revert");
  ASSERT_EQ(reverted.code, 0) << reverted.text;
  EXPECT_TRUE(contains(reverted.text, "by on_alarm = \"revert\": item.hr@10 is worse than"))
      << reverted.text;
  const auto numbers = numbers_of(reverted);
  EXPECT_EQ(numbers.at("trainings")[0].at("kept"), 0);
  EXPECT_EQ(numbers.at("grpo"), numbers.at("sft")) << "the same model, and so the same numbers";
}

TEST(HeldOut, WhatCannotBeComparedIsRefused) {
  const TempFolder store;
  const auto refused = [&](const std::string& set) {
    const Outcome outcome = smoke(store, set);
    EXPECT_EQ(outcome.code, 2) << outcome.text;
    return outcome.text;
  };
  EXPECT_TRUE(contains(refused(" --set stage.sft.on_alarm=stop"),
                       "on_alarm = \"stop\" compares with the trained model that the stage starts "
                       "from, and it starts from the untrained one"));
  EXPECT_TRUE(contains(refused(" --set stage.grpo.on_alarm=stop --set stage.grpo.curve_rows=0"),
                       "compares ranked validation rows with the start's; set curve_rows"));
  EXPECT_TRUE(contains(refused(" --set stage.grpo.rows=second:0.5"),
                       "rows = \"second:0.5\" is none of \"all\""));
  EXPECT_TRUE(contains(refused(" --set stage.grpo.rows=last:0.00001"),
                       "rows = \"last:0.00001\" leaves none of the "));
  EXPECT_TRUE(contains(refused(" --set stage.grpo.watch=item.hr@7"),
                       "watch = \"item.hr@7\", but the metrics of [evaluate] give no such number"));
}

}  // namespace
}  // namespace tsrec::test
