// A plugin that fails at work is a failed stage with a sentence; behind --isolate also one that
// crashes.
#include <csignal>

#include "cli_support.hpp"

namespace tsrec::test {
namespace {

namespace fs = std::filesystem;

const std::string kFaulty = " --plugins " + std::string(TSREC_BAD_PLUGINS) + "/faulty_quantizers";

std::string file_of_faulty() {
  return std::string(TSREC_BAD_PLUGINS) + "/faulty_quantizers/faulty_quantizers.so";
}

Outcome run_faulty(const std::string& part, const TempFolder& store, const std::string& more = "") {
  return run("run " + kSmoke + kFaulty + " --set quantizer.use=" + part + more + " --store " +
             store.path().string());
}

TEST(FailedStage, SaysWhichPartOfWhichPluginAndWhy) {
  const TempFolder store;
  const std::string in = "\n  in quantizer '",
                    plugin = "' (acme.faulty 1.2.0, " + file_of_faulty() + ")";
  const auto expect = [&](const std::string& part, const std::string& method,
                          const std::string& sentence) {
    for (const char* isolate : {"", " --isolate"}) {
      const Outcome outcome = run_faulty(part, store, isolate);
      EXPECT_EQ(outcome.code, 4) << outcome.text;
      EXPECT_TRUE(contains(outcome.text, "\nquantize failed: " + sentence + in + part + plugin +
                                             " in " + method + "\n"))
          << outcome.text;
      EXPECT_TRUE(contains(outcome.text, "not run")) << outcome.text;
    }
  };
  expect("throws_in_make", "its constructor", "no codebook in /opt/acme");
  expect("throws_in_fit", "fit()", "mat1 and mat2 shapes cannot be multiplied (120x16 and 120x16)");
  expect("throws_a_number", "fit()",
         "something was thrown that is no std::exception; parts throw tsrec::Error or what derives "
         "from std::exception");
}

TEST(Isolation, ACrashIsAFailedStageAndTheNextRunGoesOn) {
  const TempFolder store;
  const Outcome crash = run_faulty("crashes", store, " --isolate");
  EXPECT_EQ(crash.code, 4) << crash.text;
  EXPECT_TRUE(contains(crash.text,
                       "quantize failed: its process was ended by signal 11 (Segmentation fault); "
                       "it said last: "))
      << crash.text;
  EXPECT_TRUE(contains(crash.text, "about to look at the codebook")) << crash.text;
  const std::string log = between(crash.text, "\n  log: ", "\n");
  EXPECT_TRUE(contains(io::read_text(log), "about to look at the codebook")) << log;
  // The floors do not need the quantizer's work, and their numbers are there.
  EXPECT_TRUE(contains(crash.text, "popularity")) << crash.text;

  const Outcome again =
      run("run " + kSmoke + " --isolate --check --store " + store.path().string());
  EXPECT_EQ(again.code, 0) << again.text;
  EXPECT_FALSE(contains(again.text, "\nembed  (")) << "it was stored before the crash";
}

const std::string kEndingFile =
    std::string(TSREC_BAD_PLUGINS) + "/ending_quantizers/ending_quantizers.so";

std::string run_ending(const std::string& part, const TempFolder& store) {
  return "run " + kSmoke + " --plugins " + TSREC_BAD_PLUGINS +
         "/ending_quantizers --set quantizer.use=" + part + " --store " + store.path().string();
}

std::string ended(const std::string& part) {
  return "tsrec: quantizer '" + part + "' (acme.ending 1.2.0, " + kEndingFile +
         ") ended the process in its constructor, in the stage quantize, by ";
}

// One line says who, and the end of the process stays what it is: a shell sees 128 and the signal.
TEST(Ending, ACrashNamesThePartAndTheStage) {
  const TempFolder store;
  const auto expect = [&](const std::string& part, int signal, const std::string& how) {
    const Outcome outcome = run(run_ending(part, store), "ulimit -c 0; ");
    EXPECT_EQ(outcome.code, 128 + signal) << outcome.text;
    EXPECT_TRUE(contains(
        outcome.text,
        "\n" + ended(part) + how + "; --isolate runs every stage in a process of its own\n"))
        << outcome.text;
    EXPECT_FALSE(contains(outcome.text, "run folder")) << "a report: " << outcome.text;
  };
  expect("writes_to_null", SIGSEGV, "signal 11 (Segmentation fault)");
  expect("overflows", SIGSEGV, "signal 11 (Segmentation fault)");
  expect("aborts", SIGABRT, "signal 6 (Aborted)");
}

TEST(Ending, ExitIsAFailure) {
  const TempFolder store;
  for (const std::string part : {"exits", "quick_exits"}) {
    const Outcome outcome = run(run_ending(part, store));
    EXPECT_EQ(outcome.code, 4) << outcome.text;
    EXPECT_TRUE(contains(outcome.text,
                         "\n" + ended(part) + "calling exit(); a part that cannot go on throws"))
        << outcome.text;
    EXPECT_FALSE(contains(outcome.text, "run folder")) << "a report: " << outcome.text;

    const Outcome alone = run(run_ending(part, store) + " --isolate");
    EXPECT_EQ(alone.code, 4) << alone.text;
    EXPECT_TRUE(contains(alone.text, "quantize failed: its process was ended by exit code 4"))
        << alone.text;
    EXPECT_TRUE(contains(alone.text, "\n" + ended(part) + "calling exit();")) << alone.text;
    EXPECT_FALSE(contains(alone.text, "--isolate")) << "it is what was asked for: " << alone.text;
  }
}

// The first stop is acknowledged, a part that does not look at it is named, a second one ends it.
TEST(Ending, AStopThatAPartDoesNotObeyNamesIt) {
  for (const std::string isolate : {"", " --isolate"}) {
    const TempFolder store;
    const std::string out = (store.path() / "out").string();
    const auto wait_for = [&](const std::string& words) {
      return "until grep -q '" + words + "' " + out +
             "; do sleep 0.1; kill -0 $pid || break; done\n";
    };
    const fs::path script = store.write(
        "stop.sh", std::string(TSREC_BINARY) + " " + run_ending("waits_forever", store) + isolate +
                       " >" + out + " 2>&1 &\npid=$!\n" + wait_for("no way back from here") +
                       "kill -TERM $pid\n" + wait_for("is still") + "kill -TERM $pid\nwait $pid\n");
    const int status = std::system(("timeout 120 bash " + script.string()).c_str());
    const std::string text = io::read_text(out);
    EXPECT_EQ(WEXITSTATUS(status), 130) << text;
    const std::string stopping = "tsrec: stopping at the next step; once more to end at once\n";
    const size_t at = text.find(stopping);
    ASSERT_NE(at, std::string::npos) << text;
    EXPECT_EQ(text.find(stopping, at + 1), std::string::npos) << "twice: " << text;
    EXPECT_TRUE(contains(text, "\ntsrec: quantizer 'waits_forever' (acme.ending 1.2.0, " +
                                   kEndingFile +
                                   ") is still in its constructor, in the stage "
                                   "quantize, 10 seconds after the stop;"))
        << text;
  }
}

TEST(Isolation, SameBytesAsInOneProcess) {
  const TempFolder alone, together;
  ASSERT_EQ(run("run " + kSmoke + " --isolate --store " + alone.path().string()).code, 0);
  ASSERT_EQ(run("run " + kSmoke + " --store " + together.path().string()).code, 0);
  const auto stored = [](const TempFolder& store) {
    std::map<std::string, std::string> digests;
    for (const auto& entry : fs::recursive_directory_iterator(store.path() / "store")) {
      if (entry.path().filename() == "digest.txt")
        digests[entry.path().parent_path().filename()] = io::read_text(entry.path());
    }
    return digests;
  };
  EXPECT_EQ(stored(alone), stored(together));
  EXPECT_GT(stored(alone).size(), 10u);
}

TEST(Isolation, CtrlCStopsTheChildTidily) {
  const TempFolder store;
  const std::string where = " --isolate --store " + store.path().string();
  const std::string long_run = "run " + kSmoke + " --set stage.sft.max_steps=100000 --set " +
                               "stage.sft.epochs=100000 --set stage.sft.patience=0" + where;
  // SIGINT once the stage has begun, however long that takes.
  const fs::path script =
      store.write("stop.sh", "$1 " + long_run +
                                 " >$2 2>&1 &\nuntil grep -q 'steps an epoch' $2; do sleep 0.1; " +
                                 "kill -0 $! || break; done\nkill -INT $!\nwait $!\n");
  const std::string out = (store.path() / "out").string();
  const int status = std::system(
      c10::str("timeout 300 bash ", script.string(), " ", TSREC_BINARY, " ", out).c_str());
  const Outcome stopped{WEXITSTATUS(status), io::read_text(out)};
  EXPECT_EQ(stopped.code, 5) << stopped.text;
  EXPECT_TRUE(contains(stopped.text, "run the same command again to go on")) << stopped.text;
  EXPECT_TRUE(contains(stopped.text, "stopped at step")) << stopped.text;
  EXPECT_TRUE(contains(stopped.text, "tsrec: stopping at the next step")) << stopped.text;
  for (const auto& entry : fs::directory_iterator(store.path() / "work"))
    EXPECT_TRUE(fs::exists(entry.path() / "checkpoint")) << entry.path();
}

}  // namespace
}  // namespace tsrec::test
