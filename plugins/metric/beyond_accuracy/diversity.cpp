#include "diversity.hpp"

namespace beyond_accuracy {

using namespace tsrec;

namespace {

constexpr const char* kBySid = "sid";

using Distance = std::function<double(int64_t item, int64_t other)>;

Distance by_sids(const SidTable& sids) {
  return [code_NL = sids.code_NL.contiguous()](int64_t item, int64_t other) {
    const int64_t levels = code_NL.size(1);
    const int64_t* codes = code_NL.const_data_ptr<int64_t>();
    int64_t shared = 0;
    while (shared < levels && codes[item * levels + shared] == codes[other * levels + shared])
      ++shared;
    return 1 - static_cast<double>(shared) / static_cast<double>(levels);
  };
}

// An item whose vector is 0 has no direction, and is at distance 1 from all others.
Distance by_vectors(const torch::Tensor& vector_ND) {
  const torch::Tensor flat_ND = vector_ND.flatten(1).to(torch::kFloat64);
  const torch::Tensor length_N1 = flat_ND.norm(2, 1, /*keepdim=*/true);
  const torch::Tensor unit_ND =
      torch::where(length_N1 > 0, flat_ND / length_N1, torch::zeros_like(flat_ND)).contiguous();
  return [unit_ND](int64_t item, int64_t other) {
    const int64_t width = unit_ND.size(1);
    const double *a = unit_ND.const_data_ptr<double>() + item * width,
                 *b = unit_ND.const_data_ptr<double>() + other * width;
    return 1 - std::inner_product(a, a + width, b, 0.0);
  };
}

Distance distance_of(const std::string& by, const Evaluation& evaluation) {
  if (by == kBySid) {
    if (evaluation.sids == nullptr)
      throw ConfigError(
          "diversity compares SIDs, and this experiment has none; name the vectors of the items in "
          "`by`, or leave the metric out");
    return by_sids(*evaluation.sids);
  }
  const torch::Tensor& vector_ND = evaluation.data.items.tensor(by);
  if (!vector_ND.defined() || vector_ND.dim() < 2)
    throw ConfigError("diversity has by = \"", by,
                      "\", but the items have no vectors of that name; they have ",
                      c10::Join(", ", evaluation.data.items.tensor_columns()),
                      evaluation.data.items.tensor_columns().empty() ? "none" : "",
                      "; by = \"sid\" compares their SIDs");
  return by_vectors(vector_ND);
}

// 0 where there is no pair.
double mean_distance(const std::vector<int64_t>& items, const Distance& distance) {
  double sum = 0;
  int64_t pairs = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    for (size_t j = i + 1; j < items.size(); ++j, ++pairs) sum += distance(items[i], items[j]);
  }
  return pairs > 0 ? sum / static_cast<double>(pairs) : 0;
}

}  // namespace

void DiversitySettings::declare(Options& o) {
  o.add("k", k).range(1, 100000).help("lengths of the list's head that are looked at");
  o.add("by", by).help(
      "what items differ in: sid, or the name of a column of vectors that the source gives");
}

Numbers Diversity::measure(const Evaluation& evaluation, Context&) const {
  const Distance distance = distance_of(settings_.by, evaluation);
  const std::string name =
      settings_.by == kBySid ? "diversity" : c10::str("diversity.", settings_.by);
  Numbers numbers;
  for (const int64_t k : settings_.k) {
    torch::Tensor row_S = torch::zeros({evaluation.rankings.item_SM.size(0)}, torch::kFloat64);
    for (int64_t row = 0; row < row_S.size(0); ++row)
      row_S.mutable_data_ptr<double>()[row] =
          mean_distance(head(evaluation.rankings, row, k), distance);
    const double mean = row_S.numel() > 0 ? row_S.mean().item<double>() : 0;
    numbers.push_back({c10::str(name, "@", k), mean, row_S});
  }
  return numbers;
}

}  // namespace beyond_accuracy
