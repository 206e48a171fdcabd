#include "report/text.hpp"

#include <algorithm>

#include "report/markdown.hpp"

namespace tsrec::host {
namespace {

std::string terminal_lines(const std::vector<std::string>& sentences) {
  std::string lines = sentences.empty() ? "" : "\n";
  for (const std::string& sentence : sentences) lines += "WARNING: " + sentence + "\n";
  return lines;
}

}  // namespace

// Where a stage failed the numbers are not whole, and nobody should take them for the results.
std::string text_of(const RunReport& report) {
  const bool has_failed = std::any_of(
      report.stages.begin(), report.stages.end(),
      [](const ReportedStage& stage) { return stage.state == StageResult::State::failed; });
  if (has_failed)
    return stages_of(report) +
           (report.columns.empty()
                ? ""
                : "\nA stage failed. The numbers of those that ended well are in results.md.\n");
  return tables_of(report) + (report.audit ? "\n" + audit_line(*report.audit) : "") +
         terminal_lines(warnings_of(report.alarms, report.trainings));
}

std::string text_of(const MatrixReport& report) {
  return tables_of(report) + terminal_lines(warnings_of(report));
}

std::string text_of(const TuneReport& report) {
  return tables_of(report) + terminal_lines(warnings_of(report));
}

}  // namespace tsrec::host
