// What a tuning has to say, as a value: which values every model got, after how many trials, and
// what the whole experiment measures with them. Text, Markdown, CSV and JSON are renderers over it.
#pragma once

#include "report/matrix_report.hpp"

namespace tsrec::host {

struct TuneReport {
  // In the order in which they were tried. A trial that failed has no number; the others have all.
  struct Trial {
    std::string values;  // "decay = 0.3"
    std::optional<double> number;
    double seconds = 0;
    std::string why = {};  // it failed
  };
  struct Model {
    std::string name;
    int64_t combinations = 0;  // that there are; 0: without end
    std::vector<Trial> trials;
    size_t chosen = 0;
    int64_t failed() const;
    double seconds() const;
  };
  std::string number;  // that chose, on validation rows
  TuneSettings settings;
  std::vector<int64_t> seeds;  // of the report
  std::vector<Model> models;
  MatrixReport reported;  // of one cell: the experiment with what was chosen

  // A line of the table: what was evaluated, and its model where it was tuned.
  struct Row {
    std::string of;
    const Model* model = nullptr;
    std::vector<Spread> numbers;
  };
  // Tuned or not, in the order of the report; models that are not evaluated last, without numbers.
  std::vector<Row> rows() const;
};

// The name of the one cell that it reports.
inline constexpr const char* kTuned = "tuned";

// "at most 12 trials a model ..., chosen by item.hr@10 of validation rows": the protocol.
std::string protocol_of(const TuneReport& report);
// What a reader must not miss: trials that failed.
std::vector<std::string> warnings_of(const TuneReport& report);

}  // namespace tsrec::host
