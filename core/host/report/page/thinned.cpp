#include "report/page/thinned.hpp"

#include <charconv>
#include <cmath>
#include <set>

namespace tsrec::host {

Curve thinned(const Curve& curve, size_t most) {
  const size_t points = curve.steps.size();
  if (points <= most || most < 4) return curve;
  const size_t stretches = (most - 2) / 2;
  std::set<size_t> kept = {0, points - 1};
  for (size_t stretch = 0; stretch < stretches; ++stretch) {
    const size_t begin = stretch * points / stretches, end = (stretch + 1) * points / stretches;
    size_t low = begin, high = begin;
    for (size_t at = begin; at < end; ++at) {
      const double value = curve.values[at];
      if (std::isnan(curve.values[low]) || value < curve.values[low]) low = at;
      if (std::isnan(curve.values[high]) || value > curve.values[high]) high = at;
    }
    kept.insert({low, high});
  }
  Curve thin{curve.stage, curve.name, {}, {}};
  for (const size_t at : kept) {
    thin.steps.push_back(curve.steps[at]);
    thin.values.push_back(curve.values[at]);
  }
  return thin;
}

nlohmann::ordered_json shortened(double value) {
  if (!std::isfinite(value)) return nullptr;
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value,
                                 std::chars_format::general, /*precision=*/6);
  double read = 0;
  std::from_chars(text.data(), end.ptr, read);
  return read;
}

nlohmann::ordered_json curve_json(const Curve& whole, size_t points) {
  const Curve curve = thinned(whole);
  nlohmann::ordered_json values = nlohmann::ordered_json::array();
  for (const double value : curve.values) values.push_back(shortened(value));
  return {{"stage", curve.stage.text()},
          {"name", curve.name},
          {"steps", curve.steps},
          {"values", values},
          {"points", points}};
}

}  // namespace tsrec::host
