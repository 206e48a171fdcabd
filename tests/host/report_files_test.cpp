// `tsrec report` with flags for a paper: tables on standard output or in files, figures in a
// folder.
#include "cli_support.hpp"

namespace tsrec::test {
namespace {

TEST(ReportFiles, OfARunThatIsStored) {
  const TempFolder folder;
  const std::string store = " --store '" + (folder.path() / "store").string() + "'",
                    at = folder.path().string();
  ASSERT_EQ(run("run '" + kSmoke + "'" + store).code, 0);
  const std::string report = "report '" + kSmoke + "'" + store;

  const Outcome latex = run(report + " --latex");
  EXPECT_EQ(latex.code, 0) << latex.text;
  EXPECT_TRUE(contains(latex.text, "\\begin{tabular}{l")) << latex.text;
  EXPECT_TRUE(contains(latex.text, "\nmarkov & ")) << latex.text;
  EXPECT_FALSE(contains(latex.text, "report.html")) << "the page was not asked for";

  const Outcome files =
      run(report + " --markdown='" + at + "/r.md' --csv='" + at + "/r.csv' --figures '" + at +
          "/figures' --published '" + TSREC_SOURCE_FOLDER +
          "/configs/paper/published.toml:table2.industrial'");
  EXPECT_EQ(files.code, 0) << files.text;
  EXPECT_TRUE(contains(io::read_text(at + "/r.md"), "| TS-Rec (published) "));
  EXPECT_TRUE(io::read_text(at + "/r.csv").starts_with("run,of,number,value,low,high\n"));
  for (const char* name :
       {"comparison-item-hr-10", "codebook", "depth-10", "sid-map-axes", "sid-map-neighbours",
        "rows", "seconds-by-stage", "breakdown-target-in-the-history-item-hr-10"})
    EXPECT_TRUE(std::filesystem::exists(c10::str(at, "/figures/", name, ".svg"))) << name << "\n"
                                                                                  << files.text;

  const Outcome refused = run(report + " --latex --published nothing.toml:t");
  EXPECT_EQ(refused.code, 2) << refused.text;
}

}  // namespace
}  // namespace tsrec::test
