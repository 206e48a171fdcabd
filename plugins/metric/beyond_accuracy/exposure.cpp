#include "exposure.hpp"

namespace beyond_accuracy {

using namespace tsrec;

namespace {

// sum over i of (2 i - N - 1) x_i / (N sum of x), x ascending and i from 1.
double gini(std::vector<int64_t> exposure_N) {
  std::sort(exposure_N.begin(), exposure_N.end());
  const auto num_items = static_cast<double>(exposure_N.size());
  double weighted = 0, sum = 0;
  for (size_t i = 0; i < exposure_N.size(); ++i) {
    const auto exposure = static_cast<double>(exposure_N[i]);
    weighted += (2 * static_cast<double>(i + 1) - num_items - 1) * exposure;
    sum += exposure;
  }
  return weighted / (num_items * sum);
}

}  // namespace

// Lists that show nothing have no distribution, and no number.
Numbers Gini::measure(const Evaluation& evaluation, Context&) const {
  Numbers numbers;
  for (const int64_t k : settings_.k) {
    std::vector<int64_t> exposure_N(static_cast<size_t>(evaluation.data.items.size()), 0);
    bool is_any_shown = false;
    for (int64_t row = 0; row < evaluation.rankings.item_SM.size(0); ++row) {
      for (const int64_t item : head(evaluation.rankings, row, k)) {
        ++exposure_N[static_cast<size_t>(item)];
        is_any_shown = true;
      }
    }
    if (is_any_shown) numbers.push_back({c10::str("gini@", k), gini(std::move(exposure_N)), {}});
  }
  return numbers;
}

}  // namespace beyond_accuracy
