// What a running run is doing, from the files that it leaves: written here as a run writes them.
#include "report/live/live_run.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "pipeline/key_lock.hpp"
#include "pipeline/progress_file.hpp"
#include "pipeline/run_context.hpp"
#include "pipeline/run_record.hpp"
#include "pipeline/runner.hpp"
#include "plugin/registry.hpp"
#include "report/page/page.hpp"
#include "support/published_files.hpp"
#include "support/support.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using host::LiveRun;
using host::StageId;
using nlohmann::ordered_json;

// --- progress.json

TEST(ProgressFile, SaysStepsAndTheLoopThatSpokeLast) {
  const TempFolder folder;
  const fs::path file = folder.path() / "progress.json";
  host::ProgressFile progress("stage.sft", file, 0ms);
  EXPECT_FALSE(host::read_progress(file)->steps) << "it begins before the first step";
  progress.progress("stage.sft", 41, 100);  // resumed: 40 were done before
  EXPECT_FALSE(host::read_progress(file)->steps->seconds_left()) << "one step is no pace yet";
  std::this_thread::sleep_for(20ms);
  progress.progress("stage.sft", 43, 100);
  progress.progress("validating", 3, 7);
  const auto now = host::read_progress(file);
  ASSERT_TRUE(now && now->steps && now->loop);
  EXPECT_EQ(now->steps->from, 41);
  EXPECT_EQ(now->steps->done, 43);
  EXPECT_EQ(now->steps->total, 100);
  EXPECT_EQ(now->loop->what, "validating");
  EXPECT_EQ(now->loop->total, 7);
  EXPECT_GE(now->steps->seconds, 0.02);
  EXPECT_GE(now->seconds, now->steps->seconds);
  EXPECT_NEAR(*now->steps->seconds_left(), now->steps->seconds / 2 * 57, 1e-9);
  progress.progress("stage.sft", 44, 100);
  EXPECT_FALSE(host::read_progress(file)->loop) << "the validation is over";
  EXPECT_EQ(host::read_progress(file)->steps->from, 41) << "the pause counts";
}

TEST(ProgressFile, IsWrittenRarelyAndNeverByHalves) {
  const TempFolder folder;
  const fs::path file = folder.path() / "progress.json";
  host::ProgressFile progress("fit", file, 1h);
  for (int64_t done = 1; done <= 1000; ++done) progress.progress("fit", done, 1000);
  EXPECT_FALSE(host::read_progress(file)->steps);
  folder.write("progress.json", "{\"seconds\": 1, \"ste");
  EXPECT_FALSE(host::read_progress(file));
  EXPECT_FALSE(host::read_progress(folder.path() / "absent.json"));
  // Whoever cannot be told is not told, and the stage goes on.
  host::ProgressFile nowhere("fit", folder.path() / "no" / "such" / "folder.json", 0ms);
  nowhere.progress("fit", 1, 2);
}

TEST(CurveFile, CanBeReadWhileItGrows) {
  const TempFolder folder;
  const fs::path file = folder.path() / "curves.jsonl";
  host::RunContext context(host::RunSettings(), "stage.sft", file);
  host::CurveFollower follower({StageId::Role::train, "sft"}, file);
  context.number("loss", 3, 1);
  std::this_thread::sleep_for(1100ms);
  context.number("loss", 2, 2);
  follower.read();
  EXPECT_EQ(follower.curves_json()[0]["steps"], (ordered_json{1, 2}))
      << "a second later it is in the file";
}

// --- curves

std::string curve_line(const std::string& name, int64_t step, double value) {
  return c10::str("{\"stage\":\"stage.sft\",\"name\":\"", name, "\",\"step\":", step,
                  ",\"value\":", value, "}\n");
}
void append_to(const fs::path& file, const std::string& text) {
  std::ofstream(file, std::ios::app) << text;
}

TEST(CurveFollower, TakesWholeLinesAsTheyCome) {
  const TempFolder folder;
  const fs::path file = folder.path() / "curves.jsonl";
  host::CurveFollower follower({StageId::Role::train, "sft"}, file);
  follower.read();
  EXPECT_TRUE(follower.curves_json().empty()) << "there is no file yet";
  EXPECT_TRUE(follower.validation_json().is_null());
  const std::string second = curve_line("loss", 2, 2.5);
  append_to(file, curve_line("loss", 1, 3) + second.substr(0, 20));
  follower.read();
  ASSERT_EQ(follower.curves_json().size(), 1u);
  EXPECT_EQ(follower.curves_json()[0]["steps"], ordered_json{1});
  append_to(file, second.substr(20) + curve_line("valid.loss", 2, 2.75) +
                      curve_line("valid.item.hr@10", 2, 0.1));
  follower.read();
  follower.read();
  const ordered_json curves = follower.curves_json();
  ASSERT_EQ(curves.size(), 3u);
  EXPECT_EQ(curves[0], (ordered_json{{"stage", "stage.sft"},
                                     {"name", "loss"},
                                     {"steps", {1, 2}},
                                     {"values", {3.0, 2.5}},
                                     {"points", 2}}));
  EXPECT_EQ(follower.validation_json(),
            (ordered_json{{"step", 2}, {"numbers", {{"loss", 2.75}, {"item.hr@10", 0.1}}}}));
  append_to(file, curve_line("loss", 3, 2) + curve_line("valid.loss", 4, 2.5));
  follower.read();
  EXPECT_EQ(follower.validation_json(), (ordered_json{{"step", 4}, {"numbers", {{"loss", 2.5}}}}));
  // Killed and resumed at a checkpoint: the file is shorter, and goes on from there.
  io::write_text(file, curve_line("loss", 1, 3));
  follower.read();
  EXPECT_EQ(follower.curves_json()[0]["steps"], ordered_json{1});
  EXPECT_TRUE(follower.validation_json().is_null());
}

TEST(CurveFollower, KeepsALongStageInBounds) {
  const TempFolder folder;
  const fs::path file = folder.path() / "curves.jsonl";
  host::CurveFollower follower({StageId::Role::train, "sft"}, file);
  constexpr int64_t kSteps = 30000, kSpike = 12345;
  std::string text;
  for (int64_t step = 1; step <= kSteps; ++step)
    text += curve_line("loss", step, step == kSpike ? 99 : 1.0 / static_cast<double>(step));
  append_to(file, text);
  follower.read();
  const ordered_json curve = follower.curves_json()[0];
  EXPECT_EQ(curve["points"], kSteps);
  EXPECT_LE(curve["steps"].size(), 300u);
  EXPECT_EQ(curve["steps"].front(), 1);
  EXPECT_EQ(curve["steps"].back(), kSteps);
  const auto at = std::find(curve["steps"].begin(), curve["steps"].end(), kSpike);
  ASSERT_NE(at, curve["steps"].end()) << "no spike is lost";
  EXPECT_EQ(curve["values"][static_cast<size_t>(at - curve["steps"].begin())], 99);
}

// --- runs

// Floors on a data set of its own, with a store; its stages are made one by one.
struct Watched {
  Watched() {
    fs::copy(LcRecFolder().path(), folder.path() / "data");
    folder.write("experiment.toml",
                 "[source]\nuse = \"lc_rec\"\nfolder = \"data\"\n"
                 "[[recommender]]\nuse = \"popularity\"\n[[recommender]]\nuse = \"markov\"\n"
                 "[evaluate]\nmetric = [{ use = \"hr\", k = [1] }]\n");
    experiment = read();
    fs::create_directories(run_folder);
  }
  host::Experiment read(const std::vector<std::string>& set = {}) {
    host::DocumentRequest request;
    request.file = folder.path() / "experiment.toml";
    request.set = set;
    return host::make_experiment(host::Document::load(request), registry);
  }
  void make(const std::string& stage) { host::run_stage(experiment, store, stage); }
  void make_all() {
    for (const host::Stage& stage : experiment.stages) make(stage.id.text());
  }
  std::string key(const std::string& stage) const {
    for (const host::StageResult& result : host::plan_stages(experiment, store)) {
      if (result.id.text() == stage) return result.key;
    }
    throw Error("no stage ", stage);
  }

  TempFolder folder;
  host::Registry registry{{}, ""};
  host::Store store{folder.path() / "store"};
  fs::path run_folder = folder.path() / "store" / "runs" / "20261128-120000-toy";
  host::Experiment experiment;
};

const ordered_json& stage_of(const ordered_json& run, const std::string& name) {
  for (const ordered_json& stage : run["stages"]) {
    if (stage["name"] == name) return stage;
  }
  throw Error("no stage ", name);
}

TEST(LiveRun, OfARunThatHasJustBegun) {
  Watched w;
  LiveRun live("toy", w.run_folder, w.experiment, w.store);
  const ordered_json json = live.json();
  EXPECT_EQ(json["name"], "toy");
  EXPECT_EQ(json["state"], "idle") << "nobody is at work on it yet";
  EXPECT_EQ(json["stages"].size(), w.experiment.stages.size());
  for (const ordered_json& stage : json["stages"]) {
    EXPECT_EQ(stage["state"], "to come");
    EXPECT_FALSE(stage.contains("expected")) << "the like of it was never made here";
  }
  EXPECT_TRUE(json["running"].empty());
  EXPECT_FALSE(live.has_ended());
  EXPECT_EQ(live.revision(), 1);
  live.look();
  EXPECT_EQ(live.revision(), 1) << "nothing has changed";
  EXPECT_EQ(live.json().dump(), json.dump());
  EXPECT_FALSE(fs::exists(w.store.root() / "work")) << "whoever looks on leaves nothing behind";
}

TEST(LiveRun, SaysWhichStageRunsHowFarAndForHowLong) {
  Watched w;
  w.make("load");
  LiveRun live("toy", w.run_folder, w.experiment, w.store, /*patience=*/0ms);
  EXPECT_EQ(stage_of(live.json(), "load")["state"], "stored");
  EXPECT_GT(stage_of(live.json(), "load")["seconds"], 0);

  // As run_one() leaves it in the middle of a training.
  const std::string key = w.key("recommender.markov");
  const fs::path work = w.store.work(key);
  auto lock = std::make_unique<host::KeyLock>(w.store.lock(key));
  live.look();
  ASSERT_EQ(live.json()["running"].size(), 1u);
  EXPECT_TRUE(live.json()["running"][0]["steps"].is_null()) << "it has said nothing yet";
  EXPECT_TRUE(live.json()["running"][0]["left"].is_null());
  io::write_text(work / "progress.json",
                 R"({"seconds": 12.4, "steps": {"what": "recommender.markov", "from": 10,)"
                 R"( "done": 30, "total": 110, "seconds": 8}, "loop": {"what": "validating",)"
                 R"( "from": 1, "done": 3, "total": 5, "seconds": 0.5}})");
  io::write_text(
      work / "curves.jsonl",
      curve_line("loss", 29, 1.5) + curve_line("valid.loss", 30, 1.25) + "{\"stage\":\"reco");
  live.look();
  const ordered_json json = live.json();
  EXPECT_EQ(json["state"], "running");
  EXPECT_EQ(stage_of(json, "recommender.markov")["state"], "running");
  EXPECT_EQ(stage_of(json, "recommender.popularity")["state"], "to come");
  ASSERT_EQ(json["running"].size(), 1u);
  const ordered_json& running = json["running"][0];
  EXPECT_EQ(running["stage"], "recommender.markov");
  EXPECT_TRUE(contains(running["by"].get<std::string>(), c10::str("process ", ::getpid())));
  EXPECT_EQ(running["seconds"], 12.0);
  EXPECT_EQ(running["left"], 8.0 / 20 * 80);
  EXPECT_EQ(running["steps"],
            (ordered_json{{"what", "recommender.markov"}, {"done", 30}, {"total", 110}}));
  EXPECT_EQ(running["loop"]["what"], "validating");
  EXPECT_EQ(running["validation"], (ordered_json{{"step", 30}, {"numbers", {{"loss", 1.25}}}}));
  EXPECT_EQ(running["curves"].size(), 2u);
  const int64_t revision = live.revision();
  live.look();
  EXPECT_EQ(live.json().dump(), json.dump()) << "equal files, equal text";
  EXPECT_EQ(live.revision(), revision) << "nothing more is stored";

  // It goes on; then it is stored.
  append_to(work / "curves.jsonl", "mmender.markov\",\"name\":\"loss\",\"step\":31,\"value\":1}\n");
  live.look();
  EXPECT_EQ(live.json()["running"][0]["curves"][0]["steps"], (ordered_json{29, 31}));
  lock.reset();
  w.make("recommender.markov");
  live.look();
  EXPECT_EQ(live.revision(), revision + 1);
  EXPECT_EQ(stage_of(live.json(), "recommender.markov")["state"], "stored");
  EXPECT_EQ(live.json()["state"], "idle");
}

TEST(LiveRun, OfAKilledRunNobodyIsAtWork) {
  Watched w;
  w.make("load");
  LiveRun live("toy", w.run_folder, w.experiment, w.store, /*patience=*/0ms);
  const std::string key = w.key("recommender.markov");
  const fs::path lock = w.store.lock(key);
  const pid_t child = ::fork();
  if (child == 0) {
    const host::KeyLock held(lock);
    for (;;) ::pause();
  }
  while (!host::KeyLock::holder(lock)) std::this_thread::sleep_for(1ms);
  live.look();
  EXPECT_EQ(live.json()["state"], "running");
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  live.look();
  EXPECT_EQ(live.json()["state"], "idle");
  EXPECT_FALSE(live.has_ended());
  // Whoever runs the same experiment again makes it go on.
  w.make_all();
  live.look();
  EXPECT_EQ(live.json()["state"], "ended");
  EXPECT_TRUE(live.has_ended());
}

TEST(LiveRun, TheRecordOfTheRunIsItsEnd) {
  Watched w;
  w.make("load");
  auto stages = host::plan_stages(w.experiment, w.store);
  // Stopped: there is a record, and stages to come.
  host::write_run_record(stages, w.run_folder);
  LiveRun live("toy", w.run_folder, w.experiment, w.store);
  EXPECT_FALSE(live.has_ended());
  EXPECT_EQ(live.json()["state"], "idle");
  // Failed.
  auto failed = std::find_if(stages.begin(), stages.end(), [](const host::StageResult& stage) {
    return stage.id.text() == "recommender.markov";
  });
  failed->state = host::StageResult::State::failed;
  fs::create_directories(w.store.failed(failed->key));
  io::write_text(w.store.failed(failed->key) / "error.txt", "no rows </script>\n");
  host::write_run_record(stages, w.run_folder);
  live.look();
  EXPECT_TRUE(live.has_ended());
  EXPECT_EQ(live.json()["state"], "failed");
  EXPECT_EQ(stage_of(live.json(), "recommender.markov")["why"], "no rows </script>\n");
  EXPECT_TRUE(live.to_come().empty());
  // A later run of the same experiment is another run.
  w.make_all();
  const int64_t revision = live.revision();
  live.look();
  live.look();
  EXPECT_EQ(live.revision(), revision);
  EXPECT_EQ(live.json()["state"], "failed");
}

TEST(LiveRun, ExpectsWhatTheNearestStageTook) {
  Watched w;
  w.make_all();
  const host::Experiment other = w.read({"run.seed=5"});
  const LiveRun live("other", "", other, w.store);
  const ordered_json json = live.json();
  double all_of_them = 0;
  for (const host::StageResult& stage : host::plan_stages(w.experiment, w.store)) {
    const double took = w.store.seconds(stage.key);
    EXPECT_EQ(stage_of(json, stage.id.text())["state"], "to come") << stage.id.text();
    EXPECT_EQ(stage_of(json, stage.id.text())["expected"], took) << stage.id.text();
    all_of_them += took;
  }
  const ordered_json all = host::live_json({&live}, false);
  EXPECT_EQ(all["left"], std::round(all_of_them));
  EXPECT_TRUE(all["unknown"].empty());
}

TEST(LiveRun, RunsThatShareAStageWaitForItOnce) {
  Watched w;
  w.make("load");
  const std::string key = w.key("recommender.markov");
  const host::KeyLock lock(w.store.lock(key));
  io::write_text(w.store.work(key) / "progress.json",
                 R"({"seconds": 100, "steps": {"what": "recommender.markov", "from": 0,)"
                 R"( "done": 10, "total": 20, "seconds": 100}, "loop": null})");
  LiveRun third("three", "", w.experiment, w.store), fourth("four", "", w.experiment, w.store);
  const ordered_json all = host::live_json({&third, &fourth}, false);
  EXPECT_EQ(all["left"], 100.0);
  EXPECT_EQ(all["state"], "running");
  EXPECT_EQ(all["runs"].size(), 2u);
  EXPECT_EQ(host::live_json({&third}, true)["state"], "ended");
  EXPECT_TRUE(host::live_json({&third}, true)["left"].is_null());
  for (const ordered_json& name : all["unknown"])
    EXPECT_NE(name, "recommender.markov") << "its time is known";
}

TEST(WatchPage, IsTheReportsPageWithoutADocument) {
  const std::string page = host::watch_page("a <title>");
  EXPECT_TRUE(contains(page, "<title>a &lt;title&gt;</title>"));
  EXPECT_TRUE(contains(page, "id=\"document\"></script>"));
  EXPECT_TRUE(contains(page, "new EventSource(\"events\")"));
  EXPECT_FALSE(contains(host::report_page({"plain", {}, {}}), "EventSource"))
      << "a report asks nobody";
}

}  // namespace
}  // namespace tsrec::test
