#include "report/csv.hpp"

namespace tsrec::host {
namespace {

// As RFC 4180 quotes what holds a comma, a quote or the end of a line.
std::string field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

}  // namespace

std::string csv_of(const RunReport& report) {
  std::string csv = "of,number,value\n";
  for (const ReportedColumn& column : report.columns) {
    for (const ReportedNumber& number : column.numbers)
      csv += c10::str(column.name, ",", number.name, ",", number.value, "\n");
  }
  return csv;
}

std::string csv_of(const MatrixReport& report) {
  std::string csv = "cell,seed,of,number,value\n";
  for (const MatrixReport::Value& v : report.values)
    csv += c10::str(v.cell, ",", v.seed, ",", v.of, ",", v.number, ",", v.value, "\n");
  return csv;
}

std::string csv_of(const std::vector<RunReport>& runs) {
  std::string csv = "run,of,number,value,low,high\n";
  for (const RunReport& run : runs) {
    for (const ReportedColumn& column : run.columns) {
      for (const ReportedNumber& number : column.numbers) {
        csv += c10::str(field(run.name), ",", column.name, ",", number.name, ",", number.value);
        csv += number.interval ? c10::str(",", number.interval->low, ",", number.interval->high)
                               : ",,";
        csv += "\n";
      }
    }
  }
  return csv;
}

std::string curves_csv_of(const MatrixReport& report) {
  std::string csv = "cell,seed,stage,number,step,value\n";
  for (const MatrixReport::Point& p : report.points)
    csv +=
        c10::str(p.cell, ",", p.seed, ",", p.stage, ",", p.number, ",", p.step, ",", p.value, "\n");
  return csv;
}

}  // namespace tsrec::host
