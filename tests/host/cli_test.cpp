#include <sys/wait.h>

#include "support/support.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::test {
namespace {

struct Outcome {
  int code = 0;
  std::string text;  // stdout and stderr
};

Outcome run(const std::string& arguments) {
  const TempFolder folder;
  const std::string out = (folder.path() / "out").string();
  const std::string command = c10::str(TSREC_BINARY, " ", arguments, " >", out, " 2>&1");
  const int status = std::system(command.c_str());
  return {WEXITSTATUS(status), io::read_text(out)};
}

const std::string kSmoke = std::string(TSREC_SOURCE_FOLDER) + "/experiments/000_smoke";

TEST(Cli, ExitCodesAndSentences) {
  const TempFolder store;
  const std::string where = " --store " + store.path().string();
  const auto expect = [&](const std::string& arguments, int code, const std::string& sentence) {
    const Outcome outcome = run(arguments + where);
    EXPECT_EQ(outcome.code, code) << arguments << "\n" << outcome.text;
    EXPECT_NE(outcome.text.find(sentence), std::string::npos) << arguments << "\n" << outcome.text;
  };
  expect("rnu", 2, "did you mean 'run'?");
  expect("run /nowhere", 2, "there is no experiment '/nowhere'");
  expect("run " + kSmoke + " --set quantizer.cods=3", 2,
         "unknown option 'cods'; did you mean 'codes'?");
  expect("run " + kSmoke + " --set quantizer.use=rq_kmean", 3, "did you mean 'rq_kmeans'?");
  expect("run " + kSmoke + " --set quantizer.codes=500", 4, "500 clusters of 120 vectors");
  expect("run " + kSmoke + " --frobnicate", 2, "frobnicate");
  expect("describe quantizer rq_kmeans", 0, "clusters of every level");
  expect("describe quantiser rq_kmeans", 2, "did you mean 'quantizer'?");
  expect("doctor", 0, "parts can be used, 0 files cannot");
}

TEST(Cli, OneLineRerunsOnlyWhatDependsOnIt) {
  const TempFolder store;
  const std::string where = " --store " + store.path().string();
  const Outcome first = run("run " + kSmoke + where);
  ASSERT_EQ(first.code, 0) << first.text;
  EXPECT_EQ(run("plan " + kSmoke + where).text.find("runs:"), std::string::npos);
  const std::string plan = run("plan " + kSmoke + where + " --set initializer.depth=1").text;
  const auto state_of = [&](const std::string& stage) {
    const size_t at = plan.find("\n" + stage + " ");
    return plan.substr(at + 1, plan.find('\n', at + 1) - at - 1);
  };
  EXPECT_NE(state_of("backbone").find("stored"), std::string::npos) << plan;
  EXPECT_NE(state_of("extract").find("stored"), std::string::npos) << plan;
  EXPECT_NE(state_of("extend").find("option depth: 3 -> 1"), std::string::npos) << plan;
  EXPECT_NE(state_of("stage.sft").find("its input extend changes"), std::string::npos) << plan;
  EXPECT_NE(state_of("evaluate.markov").find("stored"), std::string::npos) << plan;
}

}  // namespace
}  // namespace tsrec::test
