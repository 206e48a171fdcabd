#include "report/curves.hpp"

#include <algorithm>

namespace tsrec::host {

void add_point(std::vector<Curve>& curves, const StageId& stage, const CurvePoint& point) {
  const auto found = std::find_if(curves.begin(), curves.end(), [&](const Curve& curve) {
    return curve.stage == stage && curve.name == point.name;
  });
  Curve& curve =
      found != curves.end() ? *found : curves.emplace_back(Curve{stage, point.name, {}, {}});
  curve.steps.push_back(point.step);
  curve.values.push_back(point.value);
}

std::vector<Curve> curves_of(const std::vector<StageResult>& results) {
  std::vector<Curve> curves;
  for (const StageResult& result : results) {
    const std::filesystem::path file = result.folder / "curves.jsonl";
    if (result.digest.empty() || !std::filesystem::exists(file)) continue;
    for (const CurvePoint& point : read_curve(file)) add_point(curves, result.id, point);
  }
  return curves;
}

}  // namespace tsrec::host
