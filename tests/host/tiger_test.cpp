// TIGER from an experiment's text to its results.
#include "cli_support.hpp"

namespace tsrec::test {
namespace {

namespace fs = std::filesystem;

TEST(TigerRun, IsTrainedByTheSpineAndBeatsPopularity) {
  const TempFolder store;
  const std::string source = TSREC_SOURCE_FOLDER;
  const Outcome outcome =
      run("run " + source + "/tests/tokens_only/experiment.toml --with " + source +
          "/configs/backbone/tiger.toml --store " + store.path().string() +
          " --set backbone.width=32 --set backbone.layers=1 --set backbone.heads=2"
          " --set backbone.head_width=16 --set backbone.mlp_width=64"
          " --set stage.sft.epochs=10 --set stage.sft.max_steps=120");
  ASSERT_EQ(outcome.code, 0) << outcome.text;
  const fs::path folder = between(outcome.text, "\nrun folder: ", "\n");
  const std::string table = io::read_text(folder / "results.csv");
  const auto rate_of = [&](const std::string& row) {
    return std::stod(between(table, "\n" + row + ",item.hr@10,", "\n"));
  };
  EXPECT_GT(rate_of("sft"), 1.5 * rate_of("popularity")) << table;
}

}  // namespace
}  // namespace tsrec::test
