// Trackers hear every number of a run once, whether its stages were stored, resumed, isolated, or
// done at one go; and nothing depends on them.
#include "cli_support.hpp"
#include "plugin/kinds.hpp"
#include "tsrec/testing/conformance.hpp"

namespace tsrec::test {
namespace {

namespace fs = std::filesystem;

fs::path folder_of(const Outcome& outcome) { return between(outcome.text, "\nrun folder: ", "\n"); }

std::string metrics_of(const Outcome& outcome) {
  return io::read_text(folder_of(outcome) / "metrics.jsonl");
}

Outcome smoke(const TempFolder& store, const std::string& more = "") {
  return run("run " + kSmoke + " --store " + store.path().string() + more);
}

// A document to be merged over the smoke test.
std::string with_tracker(const TempFolder& folder, const std::string& lines) {
  return " --with " + folder.write("tracker.toml", "[[tracker]]\n" + lines).string();
}

TEST(Trackers, EveryWayOfRunningGivesTheSameSeries) {
  const TempFolder plain, stopped, alone;
  const Outcome straight = smoke(plain);
  ASSERT_EQ(straight.code, 0) << straight.text;
  const std::string wanted = metrics_of(straight);
  EXPECT_TRUE(contains(wanted, "\"stage\":\"stage.sft\",\"name\":\"train.loss\""));
  EXPECT_TRUE(contains(wanted, "\"stage\":\"stage.grpo\""));

  EXPECT_EQ(metrics_of(smoke(plain)), wanted) << "all stages were stored";
  EXPECT_EQ(metrics_of(smoke(alone, " --isolate")), wanted);
  EXPECT_EQ(metrics_of(smoke(alone, " --isolate")), wanted);

  // Until sft all is stored; then every run stops behind one more step.
  ASSERT_EQ(smoke(stopped, " --set stage.sft.enabled=false --set stage.grpo.enabled=false").code,
            0);
  for (int i = 0; i < 5; ++i)
    ASSERT_EQ(smoke(stopped, " --set run.time_budget_minutes=1e-6").code, 5);
  const Outcome resumed = smoke(stopped);
  EXPECT_TRUE(contains(resumed.text, "going on at step 5")) << resumed.text;
  EXPECT_EQ(metrics_of(resumed), wanted);
}

TEST(Trackers, AreNamedByTheExperimentAndChangeNoKey) {
  const TempFolder store, extra;
  ASSERT_EQ(smoke(store).code, 0);
  const Outcome more = smoke(store, with_tracker(extra, "use = \"tensorboard\"\n"));
  EXPECT_EQ(more.code, 0) << more.text;
  EXPECT_FALSE(contains(more.text, "|     ran |")) << "a tracker ran a stage again: " << more.text;
  EXPECT_TRUE(fs::exists(folder_of(more) / "tensorboard" / "stage.sft"));
  EXPECT_TRUE(fs::exists(folder_of(more) / "metrics.jsonl"));

  const Outcome none = smoke(store, with_tracker(extra, "use = \"jsonl\"\nenabled = false\n"));
  EXPECT_EQ(none.code, 0) << none.text;
  EXPECT_FALSE(fs::exists(folder_of(none) / "metrics.jsonl"));
  const Outcome other =
      smoke(store, with_tracker(extra, "use = \"jsonl\"\nfile = \"all.jsonl\"\n"));
  EXPECT_TRUE(fs::exists(folder_of(other) / "all.jsonl")) << other.text;
  EXPECT_FALSE(fs::exists(folder_of(other) / "metrics.jsonl"));
  const Outcome wrong = smoke(store, with_tracker(extra, "use = \"jsonl\"\nfile = \"../x\"\n"));
  EXPECT_EQ(wrong.code, 2) << wrong.text;
}

TEST(Trackers, OneThatThrowsIsNamedOnceAndTheRunGoesOn) {
  const TempFolder store, extra;
  const std::string plugins = " --plugins " + std::string(TSREC_BAD_PLUGINS) + "/faulty_trackers";
  std::string wanted;
  for (const auto& [use, reason] : std::vector<std::pair<std::string, std::string>>{
           {"throws_in_number", "failed: something was thrown that is no std::exception"},
           {"throws_in_make", "cannot begin: no paper"},
           {"throws_in_open", "cannot begin: no connection"},
           {"throws_in_close", "failed: no goodbye"}}) {
    const Outcome outcome = smoke(store, plugins + with_tracker(extra, "use = \"" + use + "\"\n"));
    EXPECT_EQ(outcome.code, 0) << outcome.text;
    const std::string named = "warning: tracker '" + use + "' (acme.faulty_trackers 1.2.0";
    const size_t first = outcome.text.find(named);
    ASSERT_NE(first, std::string::npos) << outcome.text;
    EXPECT_EQ(outcome.text.find(named, first + 1), std::string::npos) << outcome.text;
    EXPECT_TRUE(contains(outcome.text, reason)) << outcome.text;
    EXPECT_TRUE(contains(outcome.text, "the run goes on without it")) << outcome.text;
    if (wanted.empty()) wanted = metrics_of(outcome);
    EXPECT_FALSE(wanted.empty());
    EXPECT_EQ(metrics_of(outcome), wanted) << "another tracker misses numbers";
  }
}

TEST(Kinds, EachHasRulesATemplateAndPartsOfItsOwn) {
  const fs::path source = TSREC_SOURCE_FOLDER;
  for (const host::Kind& kind : host::kinds()) {
    EXPECT_GT(kit::rules_of(kind.name).size(), 5u) << kind.name;
    EXPECT_TRUE(fs::exists(source / "core/template" / kind.name / "part.cpp.in")) << kind.name;
    EXPECT_TRUE(fs::is_directory(source / "plugins" / kind.name)) << kind.name;
    EXPECT_TRUE(fs::exists(source / "core/include/tsrec/parts" / (kind.name + std::string(".hpp"))))
        << kind.name;
  }
}

}  // namespace
}  // namespace tsrec::test
