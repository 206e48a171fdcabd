#include "report/text.hpp"

#include "report/markdown.hpp"

namespace tsrec::host {
namespace {

std::string terminal_lines(const std::vector<Alarm>& alarms) {
  std::string lines = alarms.empty() ? "" : "\n";
  for (const Alarm& alarm : alarms) lines += "WARNING: " + alarm.sentence() + "\n";
  return lines;
}

}  // namespace

std::string text_of(const RunReport& report) {
  return tables_of(report) + terminal_lines(report.alarms);
}

std::string text_of(const MatrixReport& report) {
  return tables_of(report) + terminal_lines(report.alarms);
}

}  // namespace tsrec::host
