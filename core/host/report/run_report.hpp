// What a run has to say at its end, as a value. Text, Markdown, CSV and JSON are renderers over it.
#pragma once

#include "report/audit_report.hpp"
#include "report/breakdowns.hpp"
#include "report/curves.hpp"
#include "report/lineage.hpp"
#include "report/movement.hpp"
#include "report/paired_tests.hpp"
#include "report/training.hpp"

namespace tsrec::host {

struct ReportedNumber {
  std::string name;
  double value = 0;
  std::optional<Interval> interval;  // 95 %, by a bootstrap over users; of numbers with rows
  Better better = Better::unknown;
};

struct TSREC_HOST_API ReportedColumn {
  std::string name;       // "markov", "sft"
  bool is_model = false;  // else a floor
  std::vector<ReportedNumber> numbers;
  const ReportedNumber* find(const std::string& number) const;  // null: not measured
};

// A model minus the one that it was trained from.
struct ReportedDifference {
  std::string after, before;
  std::vector<TestedNumber> numbers;
  std::optional<Movement> movement;  // of the targets, where both evaluations stored their ranks
};

// One stage: how it ended, where its result lies, and what it cost.
struct TSREC_HOST_API ReportedStage {
  std::string name, key, digest;  // digest: "" where there is no result
  std::filesystem::path folder;
  StageResult::State state = StageResult::State::not_run;
  std::string why;  // why it ran, or failed
  double seconds = 0;
  std::map<std::string, int64_t> counters;
  std::optional<double> share_of_roof;  // none where the work is too small for a number
  int64_t counted(const std::string& name) const;
};

struct RunReport {
  std::string name;
  std::vector<ReportedColumn> columns;  // in the order of the stages
  std::vector<std::string> numbers;     // names of all columns, by first appearance
  std::vector<ReportedDifference> differences;
  ReportSettings tests;  // how the differences were tested
  std::vector<Alarm> alarms;
  std::vector<Breakdown> breakdowns;
  std::vector<TrainingAgainstStart> trainings;  // of the stages that compared
  std::vector<ReportedStage> stages;
  std::vector<Curve> curves;
  std::optional<AuditReport> audit;  // none: it was not made
  int64_t threads = 0;
  std::string precision;
  std::string products;  // the library of float32 products: "mkl"
  double roof = 0;       // FLOP/s that the machine could do; 0: no stage that ran counted FLOPs
};

// The roof is the best of those measured behind the long stages and of one measured now.
TSREC_HOST_API RunReport run_report(const Experiment& experiment,
                                    const std::vector<StageResult>& results);

}  // namespace tsrec::host
