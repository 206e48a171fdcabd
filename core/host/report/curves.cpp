#include "report/curves.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

Curve& curve_named(std::vector<Curve>& curves, const StageId& stage, const std::string& name) {
  const auto found = std::find_if(curves.begin(), curves.end(), [&](const Curve& curve) {
    return curve.stage == stage && curve.name == name;
  });
  return found != curves.end() ? *found : curves.emplace_back(Curve{stage, name, {}, {}});
}

}  // namespace

std::vector<Curve> curves_of(const std::vector<StageResult>& results) {
  std::vector<Curve> curves;
  for (const StageResult& result : results) {
    const fs::path file = result.folder / "curves.jsonl";
    if (result.digest.empty() || !fs::exists(file)) continue;
    std::istringstream lines(io::read_text(file));
    for (std::string line; std::getline(lines, line);) {
      const auto point = nlohmann::json::parse(line);
      Curve& curve = curve_named(curves, result.id, point.at("name").get<std::string>());
      const auto& value = point.at("value");  // JSON has no NaN, and writes null for it
      curve.steps.push_back(point.at("step").get<int64_t>());
      curve.values.push_back(value.is_number() ? value.get<double>()
                                               : std::numeric_limits<double>::quiet_NaN());
    }
  }
  return curves;
}

}  // namespace tsrec::host
