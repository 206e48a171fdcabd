#include "report/csv.hpp"

namespace tsrec::host {

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

std::string curves_csv_of(const MatrixReport& report) {
  std::string csv = "cell,seed,stage,number,step,value\n";
  for (const MatrixReport::Point& p : report.points)
    csv +=
        c10::str(p.cell, ",", p.seed, ",", p.stage, ",", p.number, ",", p.step, ",", p.value, "\n");
  return csv;
}

}  // namespace tsrec::host
