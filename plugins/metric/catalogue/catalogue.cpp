// What the lists look like as a whole: how much of the catalogue they show, how much of them is no
// SID at all, and how many are proven to be the model's own best.
#include "tsrec/parts/metric.hpp"

namespace {

using namespace tsrec;

struct Settings {
  std::vector<int64_t> k = {10};
  void declare(Options& o) {
    o.add("k", k).range(1, 100000).help("lengths of the list's head that are looked at");
  }
};

// Distinct items in the first K places of all lists, over the number of items.
class Coverage final : public Metric {
 public:
  Coverage(const Settings& settings, Context&) : settings_(settings) {}
  Numbers measure(const Evaluation& evaluation, Context&) const override {
    Numbers numbers;
    const auto item = evaluation.rankings.item_SM.accessor<int64_t, 2>();
    for (const int64_t k : settings_.k) {
      std::set<int64_t> shown;
      for (int64_t row = 0; row < item.size(0); ++row) {
        for (int64_t m = 0; m < std::min(k, item.size(1)); ++m) {
          if (item[row][m] >= 0) shown.insert(item[row][m]);
        }
      }
      numbers.push_back(
          {c10::str("coverage@", k),
           static_cast<double>(shown.size()) / static_cast<double>(evaluation.data.items.size()),
           {}});
    }
    return numbers;
  }

 private:
  Settings settings_;
};

// Generated sequences that are no SID of the catalogue, over all generated sequences.
class IllegalRate final : public Metric {
 public:
  IllegalRate(const NoSettings&, Context&) {}
  Numbers measure(const Evaluation& evaluation, Context&) const override {
    const Rankings& rankings = evaluation.rankings;
    const int64_t legal = (rankings.item_SM >= 0).sum().item<int64_t>();
    const auto all = static_cast<double>(legal + rankings.num_illegal);
    return {{"illegal_rate", all > 0 ? static_cast<double>(rankings.num_illegal) / all : 0, {}}};
  }
};

// Rows whose first K SIDs are proven to be the best of the whole catalogue under the model: no
// wider beam could change them. Nothing where lists come without proof.
class Certified final : public Metric {
 public:
  Certified(const Settings& settings, Context&) : settings_(settings) {}
  Numbers measure(const Evaluation& evaluation, Context&) const override {
    const torch::Tensor& certified_S = evaluation.rankings.certified_S;
    Numbers numbers;
    if (!certified_S.defined() || certified_S.numel() == 0) return numbers;
    for (const int64_t k : settings_.k) {
      const torch::Tensor row_S = (certified_S >= k).to(torch::kFloat64);
      numbers.push_back({c10::str("certified@", k), row_S.mean().item<double>(), row_S});
    }
    return numbers;
  }

 private:
  Settings settings_;
};

}  // namespace

TSREC_PLUGIN("tsrec.catalogue_metrics", "0.1.0",
             tsrec::part<tsrec::Metric, Coverage, Settings>(
                 "coverage", /*revision=*/1, "Share of the catalogue that the lists show"),
             tsrec::part<tsrec::Metric, IllegalRate, tsrec::NoSettings>(
                 "illegal_rate", /*revision=*/1, "Share of generated sequences that are no SID"),
             tsrec::part<tsrec::Metric, Certified, Settings>(
                 "certified", /*revision=*/1,
                 "Share of rows whose first K SIDs are proven to be the model's best"))
