// What lists are like beside being right: how evenly they show the catalogue, how popular their
// items are, and how different from each other.
#include "diversity.hpp"
#include "exposure.hpp"
#include "popularity.hpp"

namespace beyond_accuracy {

using namespace tsrec;

void Settings::declare(Options& o) {
  o.add("k", k).range(1, 100000).help("lengths of the list's head that are looked at");
}

std::vector<int64_t> head(const Rankings& rankings, int64_t row, int64_t k) {
  const auto item_SM = rankings.item_SM.accessor<int64_t, 2>();
  std::vector<int64_t> items;
  for (int64_t m = 0; m < std::min(k, item_SM.size(1)); ++m) {
    if (item_SM[row][m] >= 0) items.push_back(item_SM[row][m]);
  }
  return items;
}

std::vector<int64_t> training_counts(const Dataset& data) {
  std::vector<int64_t> count_N(static_cast<size_t>(data.items.size()), 0);
  for (int64_t row = 0; row < data.train.size(); ++row)
    ++count_N[static_cast<size_t>(data.train.target(row))];
  return count_N;
}

}  // namespace beyond_accuracy

TSREC_PLUGIN(
    "tsrec.beyond_accuracy_metrics", "0.1.0",
    tsrec::part<tsrec::Metric, beyond_accuracy::Gini, beyond_accuracy::Settings>(
        "gini", /*revision=*/1, "How unevenly the lists show the catalogue"),
    tsrec::part<tsrec::Metric, beyond_accuracy::Novelty, beyond_accuracy::Settings>(
        "novelty", /*revision=*/1, "How rare the shown items are in the training rows, in bits"),
    tsrec::part<tsrec::Metric, beyond_accuracy::PopularityLift, beyond_accuracy::Settings>(
        "popularity_lift", /*revision=*/1,
        "By how much lists are more popular than the histories they answer"),
    tsrec::part<tsrec::Metric, beyond_accuracy::Diversity, beyond_accuracy::DiversitySettings>(
        "diversity", /*revision=*/1, "How different the items of a list are"))
