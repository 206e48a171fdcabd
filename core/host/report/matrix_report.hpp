// What a comparison has to say, as a value: every cell with its seeds, what cells differ in, and
// their curves. Text, Markdown and CSV are renderers over it.
#pragma once

#include "report/cell_run.hpp"
#include "report/paired_tests.hpp"
#include "report/stopping.hpp"
#include "report/training.hpp"

namespace tsrec::host {

// Values of several seeds.
struct Spread {
  int64_t count = 0;
  double mean = 0, deviation = 0;  // standard deviation of the sample; 0 with one value
};
Spread spread_of(const std::vector<double>& values);

struct MatrixReport {
  std::vector<std::string> cells, numbers;  // numbers: columns of the table
  std::vector<Better> better;               // which way, of each number

  struct Row {
    std::string label;  // a recommender's name, or "cell:name" of what cells have differently
    std::vector<Spread> numbers;
    std::string cell = {};  // that it is a model of, or is compared by; "" of a floor
  };
  std::vector<Row> rows;

  // The cell's last model, of a cell without one its last recommender, minus the other cell's.
  // All of a table are a family; rows are those of all seeds.
  struct CellDifference : TestedDifference {
    std::string cell, number;
  };
  std::string against;
  int64_t num_seeds = 1;  // of every cell
  ReportSettings settings;
  std::vector<CellDifference> differences;
  // Cells that are compared by the other cell's own model: it has the same name and made the same
  // lists, so that their differences are 0 whatever the axis was meant to change.
  struct SameModel {
    std::string cell, model;
  };
  std::vector<SameModel> same;
  // A model of a cell minus the one that it was trained from, where that is not what the cell is
  // tested against anyway. All of them are another family.
  struct TrainedDifference : TestedDifference {
    std::string cell, after, before, number;
  };
  std::vector<TrainedDifference> trained;
  std::optional<Stopping> stopping;  // by [compare] stop_when

  std::vector<Alarm> alarms;                    // of a cell's models, over all its seeds
  std::vector<TrainingAgainstStart> trainings;  // of every cell and seed

  struct CellCurve {  // one value a step and cell
    std::string stage, name;
    std::vector<int64_t> steps;
    std::vector<std::vector<Spread>> step_cells;
  };
  std::vector<CellCurve> curves;

  struct Value {
    std::string cell;
    int64_t seed = 0;
    std::string of, number;
    double value = 0;
  };
  std::vector<Value> values;  // all that was measured

  struct Point {
    std::string cell;
    int64_t seed = 0;
    std::string stage, number;
    int64_t step = 0;
    double value = 0;
  };
  std::vector<Point> points;  // of the curves, seed by seed
};

// One for each of report.same.
std::vector<std::string> same_model_sentences(const MatrixReport& report);

// Sentences that a reader of a comparison must not miss.
std::vector<std::string> warnings_of(const MatrixReport& report);

// Means over seeds with their standard deviation; differences to settings.against, corrected over
// the table, by a paired bootstrap over users where there is one seed and by the variances of seeds
// and users where there are more; alarms over (seed, user), for they are about these
// models and not about the next seed's; curves as means over seeds.
TSREC_HOST_API MatrixReport matrix_report(const CompareSettings& settings,
                                          const std::vector<CellRun>& runs, int64_t resamples,
                                          const ReportSettings& tests = {});

}  // namespace tsrec::host
