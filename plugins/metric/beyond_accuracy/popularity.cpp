#include "popularity.hpp"

namespace beyond_accuracy {

using namespace tsrec;

namespace {

double mean_of(std::span<const int64_t> items, const std::vector<double>& value_N) {
  double sum = 0;
  for (const int64_t item : items) sum += value_N[static_cast<size_t>(item)];
  return sum / static_cast<double>(items.size());
}

}  // namespace

// A list that shows nothing has 0 bits.
Numbers Novelty::measure(const Evaluation& evaluation, Context&) const {
  const std::vector<int64_t> count_N = training_counts(evaluation.data);
  const auto rows = static_cast<double>(evaluation.data.train.size());
  std::vector<double> bits_N;
  for (const int64_t count : count_N)
    bits_N.push_back(
        -std::log2(static_cast<double>(count + 1) / (rows + static_cast<double>(count_N.size()))));
  Numbers numbers;
  for (const int64_t k : settings_.k) {
    torch::Tensor row_S = torch::zeros({evaluation.rankings.item_SM.size(0)}, torch::kFloat64);
    for (int64_t row = 0; row < row_S.size(0); ++row) {
      const std::vector<int64_t> items = head(evaluation.rankings, row, k);
      if (!items.empty()) row_S.mutable_data_ptr<double>()[row] = mean_of(items, bits_N);
    }
    const double mean = row_S.numel() > 0 ? row_S.mean().item<double>() : 0;
    numbers.push_back({c10::str("novelty@", k), mean, row_S});
  }
  return numbers;
}

// Over the rows that have both, a list and a history.
Numbers PopularityLift::measure(const Evaluation& evaluation, Context&) const {
  std::vector<double> count_N;
  for (const int64_t count : training_counts(evaluation.data))
    count_N.push_back(static_cast<double>(count));
  Numbers numbers;
  for (const int64_t k : settings_.k) {
    double of_lists = 0, of_histories = 0;
    for (int64_t row = 0; row < evaluation.rankings.item_SM.size(0); ++row) {
      const std::vector<int64_t> items = head(evaluation.rankings, row, k);
      const std::span<const int64_t> history = evaluation.samples.history(row);
      if (items.empty() || history.empty()) continue;
      of_lists += mean_of(items, count_N);
      of_histories += mean_of(history, count_N);
    }
    if (of_histories > 0)
      numbers.push_back(
          {c10::str("popularity_lift@", k), (of_lists - of_histories) / of_histories, {}});
  }
  return numbers;
}

}  // namespace beyond_accuracy
