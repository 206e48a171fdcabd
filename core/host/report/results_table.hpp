// The table that a paper prints, as a value: what was measured line by line, which values are best,
// and what a test says about them. LaTeX and Markdown are renderers over it.
#pragma once

#include "report/matrix_report.hpp"
#include "report/published.hpp"
#include "report/run_report.hpp"

namespace tsrec::host {

struct TSREC_HOST_API ResultsTable {
  enum class Verdict : uint8_t { none, better, worse };  // than the line's baseline, by the test
  struct Cell {
    std::optional<double> value;      // none: not measured
    std::optional<double> deviation;  // over seeds, where there are several
    Verdict verdict = Verdict::none;
  };
  enum class Group : uint8_t { recommender, model, published };
  struct Row {
    Group group = Group::model;
    std::string label;
    std::vector<Cell> cells;  // one for each number
  };
  std::string title;
  std::vector<std::string> numbers;  // names as reports have them: "item.hr@10"
  std::vector<Better> better;        // which way, of each number
  std::vector<Row> rows;             // in the order of their groups
  std::vector<std::string> notes;    // sentences: baseline, test, correction and rows

  // What stands out among all measured values of a number, as they are printed: the best, and the
  // best of the others. Published values were measured elsewhere and take no part. Empty where
  // nobody knows which way is better, and in a table of one line.
  struct Outstanding {
    std::optional<double> best, second;
  };
  Outstanding outstanding(size_t number) const;
  bool has_verdicts() const;
};

// Of one run, or of several one after the other; tests of a model against the one that it was
// trained from.
TSREC_HOST_API ResultsTable results_table(const std::vector<RunReport>& runs);
// Means over seeds; tests of each cell's last model against that of MatrixReport::against.
TSREC_HOST_API ResultsTable results_table(const MatrixReport& report, const std::string& title);
// Beside what was published: its lines last. Throws ConfigError where they share no number.
TSREC_HOST_API void add_published(ResultsTable& table, const PublishedTable& published);

// As tables print it: four decimals, which is also how values are compared.
std::string printed(double value);
// "item.hr@10" as papers write it: "HR@10"; what is not by item keeps its name.
std::string paper_name(const std::string& number);

TSREC_HOST_API std::string markdown_of(const ResultsTable& table);

}  // namespace tsrec::host
