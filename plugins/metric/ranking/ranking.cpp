// Hit rate and NDCG of the held-out item, at SID level and at item level.
#include "tsrec/parts/metric.hpp"

namespace {

using namespace tsrec;

struct Settings {
  std::vector<int64_t> k = {3, 5, 10};
  void declare(Options& o) {
    o.add("k", k).range(1, 100000).help("lengths of the list's head that are looked at");
  }
};

// Gain of a hit at 0-based place r: 1 for hit rate, 1 / log2(r + 2) for NDCG (one relevant item, so
// the ideal is 1).
using Gain = double (*)(int64_t);
double hit_gain(int64_t) { return 1; }
double ndcg_gain(int64_t place) { return 1 / std::log2(static_cast<double>(place) + 2); }

double sid_value(int64_t place, int64_t k, Gain gain) {
  return place >= 0 && place < k ? gain(place) : 0;
}

// Items of one SID have one score: the expectation over a random order inside the group (Kraemer et
// al., tied ranks).
double item_value(int64_t before, int64_t group, int64_t k, Gain gain) {
  if (before < 0) return 0;
  double sum = 0;
  for (int64_t place = before; place < std::min(before + group, k); ++place) sum += gain(place);
  return sum / static_cast<double>(group);
}

class RankingMetric : public Metric {
 public:
  RankingMetric(const Settings& settings, const char* name, Gain gain)
      : settings_(settings), name_(name), gain_(gain) {}

  Numbers measure(const Evaluation& evaluation, Context& context) const override {
    const TargetPlaces places = target_places(evaluation);
    Numbers numbers;
    for (const int64_t k : settings_.k) {
      const int64_t length = evaluation.rankings.item_SM.size(1);
      if (k > length) {
        const bool is_all = length >= evaluation.data.items.size();
        context.log(Level::warning,
                    c10::str(name_, "@", k, " looks at lists of ", length, " items; use ",
                             is_all ? "a smaller k, as the catalogue has no more"
                                    : "more beams or a smaller k"));
      }
      const auto add = [&](const char* level, const auto& value_of) {
        torch::Tensor row_S =
            torch::empty({static_cast<int64_t>(places.before.size())}, torch::kFloat64);
        for (size_t row = 0; row < places.before.size(); ++row) {
          row_S.mutable_data_ptr<double>()[row] = value_of(row);
        }
        const double mean = row_S.numel() > 0 ? row_S.mean().template item<double>() : 0;
        numbers.push_back({c10::str(level, ".", name_, "@", k), mean, row_S, Better::higher});
      };
      add("item",
          [&](size_t row) { return item_value(places.before[row], places.group[row], k, gain_); });
      if (evaluation.sids != nullptr)
        add("sid", [&](size_t row) { return sid_value(places.sid_place[row], k, gain_); });
    }
    return numbers;
  }

 private:
  Settings settings_;
  const char* name_;
  Gain gain_;
};

class HitRate final : public RankingMetric {
 public:
  HitRate(const Settings& settings, Context&) : RankingMetric(settings, "hr", hit_gain) {}
};
class Ndcg final : public RankingMetric {
 public:
  Ndcg(const Settings& settings, Context&) : RankingMetric(settings, "ndcg", ndcg_gain) {}
};

}  // namespace

TSREC_PLUGIN("tsrec.ranking_metrics", "0.1.0",
             tsrec::part<tsrec::Metric, HitRate, Settings>(
                 "hr", /*revision=*/2, "Share of rows whose target is among the first K"),
             tsrec::part<tsrec::Metric, Ndcg, Settings>(
                 "ndcg", /*revision=*/2, "Hits among the first K, discounted by their place"))
