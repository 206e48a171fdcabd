#include "report/live/curve_follower.hpp"

#include <fstream>

#include "report/page/thinned.hpp"

namespace tsrec::host {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kOfValidation = "valid.";

}  // namespace

CurveFollower::CurveFollower(StageId stage, std::filesystem::path file)
    : stage_(std::move(stage)), file_(std::move(file)) {}

void CurveFollower::read() {
  std::error_code absent;
  const uintmax_t bytes = std::filesystem::file_size(file_, absent);
  if (absent) return;
  if (bytes < static_cast<uintmax_t>(taken_)) {
    taken_ = 0;
    curves_.clear();
    points_.clear();
  }
  std::ifstream in(file_);
  in.seekg(taken_);
  for (std::string line; std::getline(in, line) && !in.eof();) {
    taken_ += static_cast<std::streamoff>(line.size()) + 1;
    take(line);
  }
}

void CurveFollower::take(const std::string& line) {
  const std::optional<CurvePoint> point = curve_point(line);
  if (!point) return;
  add_point(curves_, stage_, *point);
  ++points_[point->name];
  for (Curve& curve : curves_) {
    if (curve.name == point->name && curve.steps.size() > kMostPoints)
      curve = thinned(curve, kMostPoints / 2);
  }
}

ordered_json CurveFollower::curves_json() const {
  ordered_json json = ordered_json::array();
  for (const Curve& curve : curves_) json.push_back(curve_json(curve, points_.at(curve.name)));
  return json;
}

ordered_json CurveFollower::validation_json() const {
  int64_t step = -1;
  for (const Curve& curve : curves_) {
    if (curve.name.starts_with(kOfValidation)) step = std::max(step, curve.steps.back());
  }
  if (step < 0) return nullptr;
  ordered_json numbers = ordered_json::object();
  for (const Curve& curve : curves_) {
    if (curve.name.starts_with(kOfValidation) && curve.steps.back() == step)
      numbers[curve.name.substr(kOfValidation.size())] = shortened(curve.values.back());
  }
  return {{"step", step}, {"numbers", std::move(numbers)}};
}

}  // namespace tsrec::host
