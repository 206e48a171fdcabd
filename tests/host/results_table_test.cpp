// The table of a paper: which values stand out, what a test says of them, and LaTeX and Markdown.
#include "report/results_table.hpp"

#include <algorithm>
#include <cstdlib>
#include <random>
#include <regex>
#include <sstream>

#include "report/latex.hpp"
#include "support/support.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::test {
namespace {

using host::ResultsTable;
using Group = ResultsTable::Group;
using Verdict = ResultsTable::Verdict;

ResultsTable table_of(const std::vector<std::vector<double>>& values, Better better) {
  ResultsTable table;
  table.title = "a title";
  for (size_t n = 0; n < values.front().size(); ++n) {
    table.numbers.push_back(c10::str("item.hr@", n + 1));
    table.better.push_back(better);
  }
  for (size_t r = 0; r < values.size(); ++r) {
    ResultsTable::Row& row =
        table.rows.emplace_back(ResultsTable::Row{Group::model, c10::str("model", r), {}});
    for (const double value : values[r]) row.cells.push_back({value, {}, Verdict::none});
  }
  return table;
}

// The cells of the line that begins with the label, without blanks at their ends.
std::vector<std::string> cells_of(const std::string& latex, const std::string& label) {
  const size_t begin = latex.find("\n" + label + " &");
  EXPECT_NE(begin, std::string::npos) << label << " in\n" << latex;
  if (begin == std::string::npos) return {};
  std::string line = latex.substr(begin + 1, latex.find(" \\\\\n", begin) - begin - 1);
  std::vector<std::string> cells;
  for (size_t at = line.find(" & "); at != std::string::npos;) {
    const size_t next = line.find(" & ", at + 1);
    cells.push_back(line.substr(at + 3, next == std::string::npos ? next : next - at - 3));
    at = next;
  }
  return cells;
}

// Braces close, environments too, and every line of the table has as many cells as the table has
// columns: what TeX would complain of first.
void expect_latex(const std::string& latex, size_t num_numbers) {
  int64_t depth = 0;
  for (size_t i = 0; i < latex.size(); ++i) {
    const bool is_escaped = i > 0 && latex[i - 1] == '\\';
    if (is_escaped) continue;
    depth += latex[i] == '{' ? 1 : latex[i] == '}' ? -1 : 0;
    ASSERT_GE(depth, 0) << latex.substr(0, i);
  }
  EXPECT_EQ(depth, 0);
  for (const char* environment : {"table", "tabular"}) {
    EXPECT_EQ(occurrences(latex, c10::str("\\begin{", environment, "}")), 1);
    EXPECT_EQ(occurrences(latex, c10::str("\\end{", environment, "}")), 1);
  }
  for (const char* rule : {"\\toprule", "\\bottomrule"}) EXPECT_EQ(occurrences(latex, rule), 1);
  std::istringstream lines(latex);
  for (std::string line; std::getline(lines, line);) {
    if (!line.ends_with("\\\\")) continue;
    const std::regex separator("(^|[^\\\\])&");
    EXPECT_EQ(std::distance(std::sregex_iterator(line.begin(), line.end(), separator),
                            std::sregex_iterator()),
              static_cast<std::ptrdiff_t>(num_numbers))
        << line;
  }
}

// By a plain search over all values, with ties and both directions.
TEST(ResultsTable, TheBestIsBoldAndTheSecondUnderlined) {
  std::mt19937_64 random(std::random_device{}());
  std::uniform_int_distribution<int> ten_thousandths(0, 12);
  for (const Better better : {Better::higher, Better::lower}) {
    for (int trial = 0; trial < 50; ++trial) {
      std::vector<std::vector<double>> values(5, std::vector<double>(3));
      for (auto& row : values) {
        for (double& value : row) value = ten_thousandths(random) / 1e4;
      }
      const std::string latex = host::latex_of(table_of(values, better));
      expect_latex(latex, 3);
      for (size_t r = 0; r < values.size(); ++r) {
        const auto cells = cells_of(latex, c10::str("model", r));
        ASSERT_EQ(cells.size(), 3u);
        for (size_t n = 0; n < 3; ++n) {
          std::set<double> ahead;
          for (const auto& other : values) {
            if (better == Better::higher ? other[n] > values[r][n] : other[n] < values[r][n])
              ahead.insert(other[n]);
          }
          EXPECT_EQ(cells[n].starts_with("\\textbf{"), ahead.empty()) << latex;
          EXPECT_EQ(cells[n].starts_with("\\underline{"), ahead.size() == 1) << latex;
        }
      }
    }
  }
}

TEST(ResultsTable, ValuesThatPrintAlikeAreAlike) {
  const std::string latex = host::latex_of(table_of({{0.12341}, {0.12344}, {0.1}}, Better::higher));
  EXPECT_EQ(occurrences(latex, "\\textbf{0.1234}"), 2);
  EXPECT_EQ(occurrences(latex, "\\underline{0.1000}"), 1);
}

TEST(ResultsTable, NothingStandsOutWithoutADirectionOrARival) {
  const std::string unknown = host::latex_of(table_of({{0.2}, {0.1}}, Better::unknown));
  const std::string alone = host::latex_of(table_of({{0.2}}, Better::higher));
  ResultsTable holes = table_of({{0.2}, {std::nan("")}}, Better::higher);
  holes.rows.push_back({Group::model, "absent", {{}}});
  for (const std::string& latex : {unknown, alone, host::latex_of(holes)}) {
    EXPECT_EQ(occurrences(latex, "\\textbf"), 0) << latex;
    EXPECT_EQ(occurrences(latex, "\\underline{"), 0) << latex;
  }
  EXPECT_EQ(cells_of(host::latex_of(holes), "absent"), std::vector<std::string>{"--"});
}

TEST(ResultsTable, PublishedValuesStandBelowAndAreNotRanked) {
  const TempFolder folder;
  const std::string file = folder.write("published.toml",
                                        "[t.a.\"X & Y\"]\n\"item.hr@1\" = 0.9\n"
                                        "[t.a.Z]\n\"item.hr@2\" = 1\n[t.b.X]\nusers = 3\n");
  ResultsTable table = table_of({{0.2, 0.1}, {0.1, 0.2}}, Better::higher);
  host::add_published(table, host::read_published(file + ":t.a"));
  const std::string latex = host::latex_of(table);
  expect_latex(latex, 2);
  EXPECT_EQ(cells_of(latex, "model0"),
            (std::vector<std::string>{"\\textbf{0.2000}", "\\underline{0.1000}"}));
  EXPECT_EQ(cells_of(latex, "X \\& Y (published)"), (std::vector<std::string>{"0.9000", "--"}));
  EXPECT_EQ(cells_of(latex, "Z (published)"), (std::vector<std::string>{"--", "1.0000"}));
  EXPECT_TRUE(contains(host::markdown_of(table), "| X & Y (published) |"))
      << host::markdown_of(table);

  EXPECT_TRUE(contains(message_of<ConfigError>([&] {
                         host::add_published(table, host::read_published(file + ":t.b"));
                       }),
                       "has none of the numbers item.hr@1, item.hr@2"));
  EXPECT_TRUE(
      contains(message_of<ConfigError>([&] { host::read_published(file); }), file + ":t.a"));
  EXPECT_TRUE(
      contains(message_of<ConfigError>([&] { host::read_published(file + ":t.c"); }), "'t.c'"));
}

// One pair whose difference is significant, one that is not, one in the direction that is worse.
host::RunReport run_of(double difference, double p) {
  host::RunReport run;
  run.name = "run_1";
  run.numbers = {"sid.hr@10", "item.hr@10"};
  for (const char* name : {"markov", "sft", "grpo"}) {
    host::ReportedColumn column{name, std::string(name) != "markov", {}};
    host::ReportedNumber number;
    number.name = "item.hr@10";
    number.value = 0.1;
    number.better = Better::higher;
    column.numbers = {number};
    run.columns.push_back(column);
  }
  host::TestedNumber tested;
  tested.name = "item.hr@10";
  tested.better = Better::higher;
  tested.difference.mean = difference;
  tested.adjusted = p;
  tested.rows = 4533;
  run.differences = {{"grpo", "sft", {tested}, std::nullopt}};
  return run;
}

TEST(ResultsTable, DaggersSayWhatTheTestFoundAndNotesWhichTest) {
  const std::string better = host::latex_of(host::results_table({run_of(0.01, 0.05)}));
  EXPECT_TRUE(cells_of(better, "grpo")[0].ends_with("$^{\\dagger}$")) << better;
  EXPECT_FALSE(contains(cells_of(better, "sft")[0], "dagger"));
  EXPECT_TRUE(
      contains(better,
               "Each model against the one that it was trained from (grpo against sft): "
               "paired bootstrap over users, p at most .05 after Holm over the 1 numbers of "
               "a pair, n = 4533 rows."))
      << better;
  const std::string worse = host::latex_of(host::results_table({run_of(-0.01, 0.05)}));
  EXPECT_TRUE(cells_of(worse, "grpo")[0].ends_with("$^{\\ddagger}$")) << worse;
  const std::string none = host::latex_of(host::results_table({run_of(0.01, 0.051)}));
  EXPECT_FALSE(contains(none, "dagger")) << none;
  EXPECT_TRUE(contains(none, "\\midrule\nsft &")) << "floors and models are set apart: " << none;
  EXPECT_TRUE(contains(none, " & HR@10 \\\\")) << none;
  EXPECT_FALSE(contains(none, "sid.")) << "items decide";
}

TEST(ResultsTable, OfAComparisonTheLastModelOfEachCellIsTested) {
  host::MatrixReport report;
  report.cells = {"plain", "a_b"};
  report.numbers = {"item.hr@10"};
  report.better = {Better::higher};
  report.rows = {{"markov", {{1, 0.1, 0}}, ""},
                 {"plain:sft", {{3, 0.2, 0.01}}, "plain"},
                 {"a_b:sft", {{3, 0.3, 0.02}}, "a_b"},
                 {"a_b:grpo", {{3, 0.4, 0.03}}, "a_b"}};
  report.against = "plain";
  host::MatrixReport::CellDifference difference;
  difference.cell = "a_b";
  difference.number = "item.hr@10";
  difference.difference.mean = 0.2;
  difference.adjusted = 0.01;
  difference.rows = 300;
  report.differences = {difference};
  const std::string latex = host::latex_of(host::results_table(report, "x"));
  expect_latex(latex, 1);
  EXPECT_EQ(cells_of(latex, "a\\_b:grpo")[0],
            "\\textbf{0.4000}\\,{\\scriptsize$\\pm$\\,0.0300}$^{\\dagger}$");
  EXPECT_FALSE(contains(cells_of(latex, "a\\_b:sft")[0], "dagger"));
  EXPECT_EQ(cells_of(latex, "markov")[0], "0.1000");
  EXPECT_TRUE(contains(latex, "Mean and standard deviation over 3 seeds.")) << latex;
  EXPECT_TRUE(contains(latex, "against that of plain: ")) << latex;
  EXPECT_TRUE(contains(latex, "Holm over the table's 1 differences, n = 300 rows.")) << latex;
}

// Whatever a label holds, TeX reads text; where there is a TeX, it says so itself.
TEST(ResultsTable, EveryPrintableCharacterSurvivesLatex) {
  ResultsTable table = table_of({{0.1}, {0.2}}, Better::higher);
  for (char c = 0x20; c < 0x7f; ++c) table.rows[0].label += c;
  table.rows[1].label = "\t<a_1>\n\\end{tabular}%$^{#~é";
  table.title = "50 % & more_{}";
  const std::string latex = host::latex_of(table);
  for (const char* needs : {"\\%", "\\&", "\\_", "\\#", "\\$", "\\{", "\\}", "\\textbackslash{}",
                            "\\textasciitilde{}", "\\textasciicircum{}"})
    EXPECT_TRUE(contains(host::latex_escaped(table.rows[0].label), needs)) << needs;
  EXPECT_EQ(occurrences(latex, "\\end{tabular}"), 1) << "a label ends no environment";
  expect_latex(latex, 1);
  if (std::system("command -v pdflatex >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "no pdflatex: the grammar alone was checked";
  const TempFolder folder;
  folder.write("t.tex", "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n" +
                            latex + "\\end{document}\n");
  const std::string command = "cd '" + folder.path().string() +
                              "' && pdflatex -interaction=nonstopmode -halt-on-error t.tex >t.out";
  EXPECT_EQ(std::system(command.c_str()), 0) << io::read_text(folder.path() / "t.out") << latex;
}

}  // namespace
}  // namespace tsrec::test
