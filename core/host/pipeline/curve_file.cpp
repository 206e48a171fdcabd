#include "pipeline/curve_file.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "tsrec/io/number_line.hpp"

namespace tsrec::host {

CurveFile::CurveFile(std::string stage, std::filesystem::path file)
    : stage_(std::move(stage)), file_(std::move(file)), out_(file_, std::ios::app) {}

void CurveFile::number(std::string_view name, double value, int64_t step) {
  out_ << io::number_line(stage_, name, value, step);
  if (pace_.is_due()) out_.flush();
  check();
}

void CurveFile::check() const {
  if (!out_)
    throw DataError("cannot write ", file_.string(),
                    "; free some space and run the same command again");
}

int64_t CurveFile::bytes() {
  out_.flush();
  check();
  return static_cast<int64_t>(std::filesystem::file_size(file_));
}

void CurveFile::truncate(int64_t bytes) {
  out_.close();
  std::filesystem::resize_file(file_, static_cast<uintmax_t>(bytes));
  out_.open(file_, std::ios::app);
}

std::optional<CurvePoint> curve_point(const std::string& line) {
  const auto point = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!point.is_object() || !point.contains("name") || !point.contains("step") ||
      !point.contains("value"))
    return std::nullopt;
  // What is not finite has no number in JSON.
  const auto& value = point["value"];
  return CurvePoint{point["name"].get<std::string>(),
                    value.is_null() ? std::nan("") : value.get<double>(),
                    point["step"].get<int64_t>()};
}

std::vector<CurvePoint> read_curve(const std::filesystem::path& file) {
  std::vector<CurvePoint> points;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    std::optional<CurvePoint> point = curve_point(line);
    if (!point) throw DataError(file.string(), " has a line that is no point of a curve: ", line);
    points.push_back(std::move(*point));
  }
  return points;
}

}  // namespace tsrec::host
