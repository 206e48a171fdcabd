// Curves as a chart can show them.
#pragma once

#include <nlohmann/json.hpp>

#include "report/curves.hpp"

namespace tsrec::host {

// At most so many points: the lowest and the highest of each stretch of steps, so that no spike is
// lost, and both ends. A shorter curve is as it was.
TSREC_HOST_API Curve thinned(const Curve& curve, size_t most = 300);
// With six digits, which no chart can tell from more; null where it is no number.
TSREC_HOST_API nlohmann::ordered_json shortened(double value);
// {"stage", "name", "steps", "values", "points"}: the curve as a chart can show it; "points" is how
// many there were.
nlohmann::ordered_json curve_json(const Curve& whole, size_t points);

}  // namespace tsrec::host
