// A model without text: neither [initializer] nor words are asked for.
#include "cli_support.hpp"

namespace tsrec::test {
namespace {

namespace fs = std::filesystem;

const std::string kExperiment =
    std::string(TSREC_SOURCE_FOLDER) + "/tests/tokens_only/experiment.toml";
const std::string kPlugins = " --plugins " + std::string(TSREC_TOKENS_ONLY);

// of,number,value
double hit_rate(const std::string& table, const std::string& stage) {
  return std::stod(between(table, "\n" + stage + ",item.hr@10,", "\n"));
}

TEST(TokensOnly, IsTrainedAndEvaluatedWithoutAnInitializer) {
  const TempFolder store;
  const Outcome outcome =
      run("run " + kExperiment + kPlugins + " --store " + store.path().string());
  ASSERT_EQ(outcome.code, 0) << outcome.text;
  const fs::path folder = between(outcome.text, "\nrun folder: ", "\n");
  const std::string table = io::read_text(folder / "results.csv");
  EXPECT_GT(hit_rate(table, "sft"), 2 * hit_rate(table, "popularity")) << table;
}

TEST(TokensOnly, ItAndARecommenderOverSidsArePartsLikeOthers) {
  for (const char* plugin : {"/tokens_only.so", "/sid_neighbours.so"}) {
    const Outcome outcome = run("check " + (TSREC_TOKENS_ONLY + std::string(plugin)));
    EXPECT_EQ(outcome.code, 0) << outcome.text;
  }
}

TEST(TokensOnly, WordsAreRefusedInASentence) {
  const TempFolder store;
  const Outcome outcome =
      run("run " + kExperiment + kPlugins + " --store " + store.path().string() +
          " --set prompt.next_item.input='next {history}'");
  EXPECT_NE(outcome.code, 0);
  EXPECT_TRUE(
      contains(outcome.text, "the model reads tokens alone, no text, and was given 'next '"))
      << outcome.text;
}

TEST(TokensOnly, AModelThatReadsNeedsAnInitializer) {
  const Outcome outcome = run("plan " + kExperiment + " --set backbone.use=scratch");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_TRUE(contains(outcome.text,
                       "the backbone 'scratch' needs [initializer] (gives the SID "
                       "tokens their first embedding rows)"))
      << outcome.text;
}

}  // namespace
}  // namespace tsrec::test
