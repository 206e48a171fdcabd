#include "support/statistics/corrections.hpp"

#include <algorithm>
#include <numeric>

namespace tsrec::host {
namespace {

// Places of the p-values, the smallest first.
std::vector<size_t> ascending(const std::vector<double>& p) {
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p[a] < p[b]; });
  return order;
}

}  // namespace

Correction correction_named(const std::string& name) {
  return name == name_of(Correction::benjamini_hochberg) ? Correction::benjamini_hochberg
                                                         : Correction::holm;
}

const char* name_of(Correction correction) {
  return correction == Correction::holm ? "holm" : "benjamini_hochberg";
}

const char* person_of(Correction correction) {
  return correction == Correction::holm ? "Holm" : "Benjamini-Hochberg";
}

std::vector<double> holm(const std::vector<double>& p) {
  const std::vector<size_t> order = ascending(p);
  std::vector<double> adjusted(p.size());
  double largest = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    largest = std::max(largest, std::min(1.0, static_cast<double>(p.size() - i) * p[order[i]]));
    adjusted[order[i]] = largest;
  }
  return adjusted;
}

std::vector<double> benjamini_hochberg(const std::vector<double>& p) {
  const std::vector<size_t> order = ascending(p);
  std::vector<double> adjusted(p.size());
  double smallest = 1;
  for (size_t i = order.size(); i-- > 0;) {
    const double share = static_cast<double>(p.size()) / static_cast<double>(i + 1);
    smallest = std::min(smallest, share * p[order[i]]);
    adjusted[order[i]] = smallest;
  }
  return adjusted;
}

std::vector<double> adjusted(const std::vector<double>& p, Correction correction) {
  return correction == Correction::holm ? holm(p) : benjamini_hochberg(p);
}

}  // namespace tsrec::host
