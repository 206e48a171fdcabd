// Whether a model's scores say how often it is right.
#include "tsrec/parts/metric.hpp"

namespace {

using namespace tsrec;

struct Settings {
  int64_t bins = 10;
  void declare(Options& o) {
    o.add("bins", bins).range(1, 10000).help("of equal width, over which the error is averaged");
  }
};

// One row: how sure the model is of its first SID, whether that is the target's, and the squared
// distance of all its probabilities from the truth.
struct Claim {
  double confidence = 0, squares = 1;
  bool is_right = false;
};

// Softmax of the scores of the row's distinct SIDs. A target in no list was given probability 0.
Claim claim_of(const Rankings& rankings, int64_t row, int64_t target_place) {
  const auto leaf_SM = rankings.leaf_SM.accessor<int64_t, 2>();
  const auto score_SM = rankings.score_SM.accessor<float, 2>();
  std::vector<double> score_of;  // of the distinct SIDs, best first
  int64_t last = -1;             // items of one SID are neighbours
  for (int64_t m = 0; m < leaf_SM.size(1); ++m) {
    if (leaf_SM[row][m] < 0 || leaf_SM[row][m] == last) continue;
    last = leaf_SM[row][m];
    score_of.push_back(score_SM[row][m]);
  }
  if (score_of.empty()) return {};
  const double best = *std::max_element(score_of.begin(), score_of.end());
  double sum = 0;
  for (const double score : score_of) sum += std::exp(score - best);
  Claim claim{std::exp(score_of[0] - best) / sum, target_place < 0 ? 1.0 : 0.0, target_place == 0};
  for (size_t place = 0; place < score_of.size(); ++place) {
    const double truth = static_cast<int64_t>(place) == target_place ? 1 : 0;
    const double away = std::exp(score_of[place] - best) / sum - truth;
    claim.squares += away * away;
  }
  return claim;
}

// Expected calibration error (Guo et al., 2017) of the first SID: rows by confidence in bins of
// equal width, and in each how far the share of hits is from the mean confidence.
double calibration_error(const std::vector<Claim>& claims, int64_t bins) {
  struct Bin {
    double confidence = 0, hits = 0;
  };
  std::vector<Bin> of(static_cast<size_t>(bins));
  for (const Claim& claim : claims) {
    const auto place = static_cast<int64_t>(claim.confidence * static_cast<double>(bins));
    Bin& bin = of[static_cast<size_t>(std::min(place, bins - 1))];
    bin.confidence += claim.confidence;
    bin.hits += claim.is_right ? 1 : 0;
  }
  double error = 0;
  for (const Bin& bin : of) error += std::abs(bin.hits - bin.confidence);
  return claims.empty() ? 0 : error / static_cast<double>(claims.size());
}

// Of language models alone: the scores of recommenders are no log-probabilities.
class Calibration final : public Metric {
 public:
  Calibration(const Settings& settings, Context&) : settings_(settings) {}
  Numbers measure(const Evaluation& evaluation, Context&) const override {
    if (!evaluation.rankings.leaf_SM.defined()) return {};
    const TargetPlaces places = target_places(evaluation);
    std::vector<Claim> claims;
    std::vector<double> over, squares;
    for (size_t row = 0; row < places.sid_place.size(); ++row) {
      claims.push_back(
          claim_of(evaluation.rankings, static_cast<int64_t>(row), places.sid_place[row]));
      over.push_back(claims.back().confidence - (claims.back().is_right ? 1 : 0));
      squares.push_back(claims.back().squares);
    }
    Numbers numbers = {
        {"calibration.ece", calibration_error(claims, settings_.bins), {}, Better::lower}};
    add("calibration.overconfidence", over, Better::unknown, numbers);
    add("calibration.brier", squares, Better::lower, numbers);
    return numbers;
  }

 private:
  static void add(const char* name, const std::vector<double>& values, Better better,
                  Numbers& numbers) {
    const torch::Tensor row_S = torch::tensor(values, torch::kFloat64);
    const double mean = row_S.numel() > 0 ? row_S.mean().item<double>() : 0;
    numbers.push_back({name, mean, row_S, better});
  }

  Settings settings_;
};

}  // namespace

TSREC_PLUGIN("tsrec.calibration_metric", "0.1.0",
             tsrec::part<tsrec::Metric, Calibration, Settings>(
                 "calibration", /*revision=*/1,
                 "Whether the scores of the lists say how often they are right"))
