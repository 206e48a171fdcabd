#include "cli_support.hpp"

namespace tsrec::test {
namespace {

// Candidates for a line, as `tsrec complete` prints them.
std::string completed(const std::string& line) { return run("complete \"" + line + "\"").text; }

TEST(Completion, CommandsKindsAndNames) {
  EXPECT_EQ(completed("tsrec des"), "describe\n");
  EXPECT_EQ(completed("tsrec --v"), "--version\n");
  EXPECT_EQ(completed("tsrec st"), "") << "`stage` is called by --isolate alone";
  EXPECT_EQ(completed("tsrec describe qu"), "quantizer\n");
  EXPECT_EQ(completed("tsrec describe quantizer r"), "random_codes\nrq_kmeans\nrq_vae\n");
  EXPECT_EQ(completed("tsrec new plugin in"), "initializer\n");
  EXPECT_EQ(completed("tsrec help rec"), "recommend\n");
}

TEST(Completion, OnlyTheFlagsOfTheCommand) {
  EXPECT_EQ(completed("tsrec run x --iso"), "--isolate\n");
  EXPECT_EQ(completed("tsrec tune x --j"), "--jobs\n");
  EXPECT_EQ(completed("tsrec list --iso"), "");
  EXPECT_EQ(completed("tsrec list --"), "--experiment\n--help\n--markdown\n--plugins\n");
  EXPECT_EQ(completed("tsrec completion --"), "--help\n");
  EXPECT_EQ(completed("tsrec check x.so --set quantizer.us"), "")
      << "its --set takes PART.KEY, not the keys of an experiment";
}

TEST(Completion, OptionKeysAndTheirValues) {
  EXPECT_EQ(completed("tsrec run x --set initializer.dep"), "initializer.depth=\n");
  // With an experiment the keys of its own parts, under the names they have there.
  const std::string smoke = "tsrec run " + kSmoke + " --set ";
  EXPECT_EQ(completed(smoke + "stage.sft.norm"), "stage.sft.normalize=\n");
  EXPECT_EQ(completed(smoke + "stage.sft.normalize=s"), "stage.sft.normalize=sequence\n");
  EXPECT_EQ(completed(smoke + "stage.grpo.reward.rank_penalty.ma"),
            "stage.grpo.reward.rank_penalty.match=\n");
  EXPECT_EQ(completed(smoke + "recommender.markov.na"), "recommender.markov.name=\n");
  EXPECT_EQ(completed(smoke + "evaluate.metric.coverage.en"),
            "evaluate.metric.coverage.enabled=\n");
  EXPECT_EQ(completed(smoke + "initializer.use=g"), "initializer.use=gaussian\n");
  EXPECT_EQ(completed(smoke + "quantizer.epo"), "") << "rq_vae's, and this one has rq_kmeans";
  EXPECT_EQ(completed(smoke + "evaluate.scoring=l"), "evaluate.scoring=legal\n");
  EXPECT_EQ(completed(smoke + "tune.search=g"), "tune.search=grid\n");
  EXPECT_EQ(completed(smoke + "stage.grpo.reward.exact_match.ma"),
            "stage.grpo.reward.exact_match.match=\n");
  EXPECT_EQ(completed(smoke + "stage.sft.validate_e"), "stage.sft.validate_every=\n");
}

TEST(Completion, OptionsOfAPartThatIsAnOptionOfTheHost) {
  const TempFolder folder;
  const auto file = folder.write("experiment.toml", "include = [\"" + kSmoke +
                                                        "/experiment.toml\"]\n[[stage]]\nuse = "
                                                        "\"sft\"\n[[stage.observer]]\nuse = "
                                                        "\"guard\"\n");
  const std::string line = "tsrec run " + file.string() + " --set stage.sft.observer.guard.";
  EXPECT_EQ(completed(line + "abo"), "stage.sft.observer.guard.above=\n");
  EXPECT_EQ(completed(line + "action=s"), "stage.sft.observer.guard.action=stop\n");
}

// What bash offers behind the cursor.
TEST(Completion, BashUsesIt) {
  const TempFolder folder;
  std::filesystem::create_symlink(TSREC_BINARY, folder.path() / "tsrec");
  const auto offered = [&](const std::string& line) {
    const auto script = folder.write(
        "ask.sh", "PATH=" + folder.path().string() + ":$PATH\neval \"$(tsrec completion bash)\"\n" +
                      "COMP_LINE='" + line + "' COMP_POINT=" + std::to_string(line.size()) +
                      "\n_tsrec 2>/dev/null\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n");
    const std::string out = (folder.path() / "out").string();
    EXPECT_EQ(std::system(("bash " + script.string() + " >" + out).c_str()), 0);
    return io::read_text(out);
  };
  EXPECT_EQ(offered("tsrec describe quantizer rq_k"), "rq_kmeans\n");
  EXPECT_EQ(offered("tsrec run x --set quantizer.use=rq_k"), "rq_kmeans\n");
  EXPECT_EQ(offered("tsrec run x --set initializer.dep"), "initializer.depth=\n");
}

}  // namespace
}  // namespace tsrec::test
