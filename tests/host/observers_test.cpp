// An observer in a whole run: it ends a stage, the reason is stored, and a run that was stopped or
// isolated gives the same bytes.
#include <nlohmann/json.hpp>

#include "cli_support.hpp"
#include "pipeline/store.hpp"

namespace tsrec::test {
namespace {

namespace fs = std::filesystem;

// sft of the smoke test, which ends behind the 10th of its 24 steps: 4 are not looked at.
std::string with_guard(const TempFolder& folder, const std::string& more = "") {
  return " --with " + folder
                          .write("guard.toml",
                                 "[[stage]]\nuse = \"sft\"\n[[stage.observer]]\nuse = \"guard\"\n"
                                 "below = 1e6\nafter = 4\nin_a_row = 6\n" +
                                     more)
                          .string();
}

Outcome guarded_run(const TempFolder& store, const std::string& more) {
  return run("run " + kSmoke + " --store " + store.path().string() + more);
}

// A stage of a run: its digest, and the values of its artefact.
struct StoredStage {
  StoredStage(const TempFolder& store, const Outcome& outcome, const std::string& stage) {
    const fs::path folder = between(outcome.text, "\nrun folder: ", "\n");
    const auto entry = nlohmann::json::parse(io::read_text(folder / "stages.json")).at(stage);
    digest = entry.at("digest").get<std::string>();
    const auto key = entry.at("key").get<std::string>();
    const fs::path artefact = host::Store(store.path()).artefact(key);
    values = nlohmann::json::parse(io::read_text(artefact / "values.json"));
  }
  std::string digest;
  nlohmann::json values;
};

TEST(Observers, EndAStageAndTheReasonIsStored) {
  const TempFolder store, alone, stopped, folder;
  const std::string guarded = with_guard(folder);
  const Outcome outcome = guarded_run(store, guarded);
  ASSERT_EQ(outcome.code, 0) << outcome.text;
  const std::string reason = between(outcome.text, "ended at step 10 of 24 by ", "\n");
  EXPECT_TRUE(reason.starts_with("observer 'guard': train.loss is ")) << outcome.text;
  EXPECT_TRUE(reason.ends_with(", below 1e+06, out of bounds 6 times in a row")) << reason;
  const StoredStage sft(store, outcome, "stage.sft");
  EXPECT_EQ(sft.values.at("numbers").at("steps"), 10);
  EXPECT_EQ(sft.values.at("texts").at("stopped"), reason);

  const Outcome isolated = guarded_run(alone, guarded + " --isolate");
  EXPECT_EQ(isolated.code, 0) << isolated.text;
  EXPECT_EQ(StoredStage(alone, isolated, "stage.sft").digest, sft.digest);

  // Every run stops behind one more step, with what the guard has counted.
  ASSERT_EQ(
      guarded_run(stopped, " --set stage.sft.enabled=false --set stage.grpo.enabled=false").code,
      0);
  for (int i = 0; i < 7; ++i)
    ASSERT_EQ(guarded_run(stopped, guarded + " --set run.time_budget_minutes=1e-6").code, 5);
  const Outcome resumed = guarded_run(stopped, guarded);
  EXPECT_TRUE(contains(resumed.text, "going on at step 7")) << resumed.text;
  EXPECT_EQ(StoredStage(stopped, resumed, "stage.sft").digest, sft.digest);
  EXPECT_EQ(StoredStage(stopped, resumed, "stage.grpo").digest,
            StoredStage(store, outcome, "stage.grpo").digest);
}

TEST(Observers, StandInTheKeyOfTheirStageAndAWarningChangesNoByte) {
  const TempFolder store, folder;
  const Outcome plain = guarded_run(store, "");
  ASSERT_EQ(plain.code, 0) << plain.text;
  const Outcome warned = guarded_run(store, with_guard(folder, "action = \"warn\"\n"));
  EXPECT_EQ(warned.code, 0) << warned.text;
  EXPECT_TRUE(contains(warned.text, "step 10: train.loss is ")) << warned.text;
  EXPECT_TRUE(contains(warned.text, "stage.sft  (")) << "it has another key: " << warned.text;
  EXPECT_FALSE(contains(warned.text, "\nstage.grpo  (")) << "its input has the same bytes";
  EXPECT_EQ(StoredStage(store, warned, "stage.sft").digest,
            StoredStage(store, plain, "stage.sft").digest);
  EXPECT_FALSE(StoredStage(store, warned, "stage.sft").values.at("texts").contains("stopped"));

  const auto planned = [&](const std::string& more) {
    return run("plan " + kSmoke + " --store " + store.path().string() +
               with_guard(folder, "action = \"warn\"\n") + more)
        .text;
  };
  EXPECT_FALSE(contains(planned(""), "runs:"));
  EXPECT_TRUE(contains(planned(" --set stage.sft.observer.guard.in_a_row=7"),
                       "runs: option observer.guard.in_a_row: 6 -> 7"))
      << planned(" --set stage.sft.observer.guard.in_a_row=7");
  EXPECT_TRUE(contains(planned(" --origins"), "observer guard  ")) << planned(" --origins");
}

TEST(Observers, AreRefusedLikeEveryPart) {
  const TempFolder store, folder;
  const auto refused = [&](const std::string& more) {
    const Outcome outcome = guarded_run(store, with_guard(folder, more));
    EXPECT_EQ(outcome.code, 2) << outcome.text;
    return outcome.text;
  };
  EXPECT_TRUE(contains(refused("abov = 3\n"), "unknown option 'abov'; did you mean 'above'?"));
  EXPECT_TRUE(contains(refused("seed = 3\n"), "a seed pins a stage"));
  const std::string unsaid = refused("watch = \"train.los\"\n");
  EXPECT_TRUE(contains(unsaid,
                       "\nstage.sft failed: observer 'guard' watches 'train.los', which "
                       "nobody said up to the first validation; this step has train.loss"))
      << unsaid;
  EXPECT_TRUE(contains(unsaid, "\n  in observer 'guard' (tsrec.guard 0.1.0) in look()")) << unsaid;
}

}  // namespace
}  // namespace tsrec::test
