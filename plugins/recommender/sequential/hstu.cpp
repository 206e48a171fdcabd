#include "hstu.hpp"

#include <cmath>

#include "attention.hpp"
#include "tsrec/product.hpp"

namespace tsrec::sequential {
namespace {

constexpr double kEps = 1e-6;
constexpr double kDeviation = 0.02;
constexpr int64_t kTimeBuckets = 129;

// Of a time in seconds, either way: as the published code has it.
int64_t time_bucket(int64_t seconds) {
  constexpr double kBucket = 0.301;
  const double at_least_1 = std::max(1.0, std::abs(static_cast<double>(seconds)));
  return std::min(static_cast<int64_t>(std::log(at_least_1) / kBucket), kTimeBuckets - 1);
}

// How many tokens lie from the key to the query.
torch::Tensor distances(const Batch& batch) {
  return of_pairs(batch.offset_B1, [](int64_t query, int64_t key) { return query - key; });
}

// From the key to the event behind the query, whose item is what the query's state is to score.
torch::Tensor time_buckets(const Batch& batch) {
  const int64_t *time = batch.time_T.const_data_ptr<int64_t>(),
                *next_time = batch.next_time_T.const_data_ptr<int64_t>();
  return of_pairs(batch.offset_B1, [=](int64_t query, int64_t key) {
    return time_bucket(next_time[query] - time[key]);
  });
}

torch::Tensor plain_layer_norm(const torch::Tensor& x_TD) {
  return at::layer_norm(x_TD, {x_TD.size(-1)}, {}, {}, kEps);
}

torch::Tensor of_length_1(const torch::Tensor& x) {
  return x / x.norm(2, {-1}, /*keepdim=*/true).clamp_min(kEps);
}

struct HstuBlock {
  HstuBlock(Parameters& parameters, const std::string& name, int64_t width, int64_t max_length,
            bool has_time_bias)
      : gates(parameters.normal(name + ".uvqk.weight", {4 * width, width}, kDeviation)),
        distance_bias_L(parameters.normal(name + ".distance_bias", {max_length}, kDeviation)),
        time_bias_U(has_time_bias
                        ? parameters.normal(name + ".time_bias", {kTimeBuckets}, kDeviation)
                        : torch::Tensor()),
        outer(parameters, name + ".outer", width, width) {}
  torch::Tensor gates, distance_bias_L, time_bias_U;
  Linear outer;
};

class HstuModel final : public SequenceModel {
 public:
  HstuModel(const HstuSettings& settings, Parameters& parameters, const Catalogue& catalogue)
      : heads_(settings.heads),
        max_length_(settings.max_length),
        has_time_bias_(settings.time_bias == "on" ||
                       (settings.time_bias == "auto" && catalogue.has_times)),
        temperature_(settings.temperature),
        items_(parameters, settings.item_table(), catalogue),
        position_LD_(parameters.normal("positions", {settings.max_length, settings.width},
                                       settings.deviation())) {
    for (int64_t b = 0; b < settings.blocks; ++b)
      blocks_.emplace_back(parameters, c10::str("block.", b), settings.width, settings.max_length,
                           has_time_bias_);
    parameters_ = parameters.all();
  }

  const std::vector<nn::Parameter>& parameters() const override { return parameters_; }
  const char* without_times() const override {
    return has_time_bias_ ? "time_bias = \"off\"" : nullptr;
  }

  torch::Tensor states(const Batch& batch, const nn::Dropout& dropout) const override {
    const double item_scale = std::sqrt(static_cast<double>(items_.width()));
    torch::Tensor x_TD = dropout(item_scale * items_.rows(batch.item_T) +
                                 at::embedding(position_LD_, batch.position_T));
    const torch::Tensor distance_P = distances(batch),
                        bucket_P = has_time_bias_ ? time_buckets(batch) : torch::Tensor();
    for (const HstuBlock& block : blocks_) {
      torch::Tensor bias_P = block.distance_bias_L.index_select(0, distance_P);
      if (has_time_bias_) bias_P = bias_P + block.time_bias_U.index_select(0, bucket_P);
      x_TD = x_TD + branch(block, x_TD, batch.offset_B1, bias_P, dropout);
    }
    return of_length_1(x_TD.index_select(0, batch.at_R)) / temperature_;
  }

  torch::Tensor outputs() const override { return of_length_1(items_.all()); }
  torch::Tensor outputs(const torch::Tensor& item) const override {
    return of_length_1(items_.rows(item));
  }

 private:
  torch::Tensor branch(const HstuBlock& block, const torch::Tensor& x_TD,
                       const std::vector<int64_t>& offset_B1, const torch::Tensor& bias_P,
                       const nn::Dropout& dropout) const {
    const int64_t tokens = x_TD.size(0), width = x_TD.size(1);
    const std::vector<torch::Tensor> uvqk =
        at::silu(linear_product(plain_layer_norm(x_TD), block.gates)).chunk(4, 1);
    const auto by_head = [&](const torch::Tensor& y_TD) {
      return y_TD.reshape({tokens, heads_, width / heads_});
    };
    const torch::Tensor attended_TD =
        jagged_attention(by_head(uvqk[2]), by_head(uvqk[3]), by_head(uvqk[1]), offset_B1,
                         {.weighting = AttentionOptions::Weighting::silu,
                          .divisor = static_cast<double>(max_length_),
                          .bias_P = bias_P})
            .view({tokens, width});
    return block.outer(dropout(uvqk[0] * plain_layer_norm(attended_TD)));
  }

  int64_t heads_, max_length_;
  bool has_time_bias_;
  double temperature_;
  ItemTable items_;
  torch::Tensor position_LD_;
  std::vector<HstuBlock> blocks_;
  std::vector<nn::Parameter> parameters_;
};

}  // namespace

void HstuSettings::declare(Options& o) {
  Settings::declare(o);
  o.add("blocks", blocks).range(1, 64).help("blocks of gated attention");
  declare_heads(o, heads);
  o.add("temperature", temperature)
      .range(1e-3, 100)
      .help("scores are cosines of state and item, divided by it");
  o.add("time_bias", time_bias)
      .one_of({"auto", "on", "off"})
      .help(
          "a learnt bias for the time from an item to the event that is asked about; auto: where "
          "the rows know times, as those of movielens, amazon_reviews, recbole and csv may; on: "
          "refused where they do not");
}

std::unique_ptr<SequenceModel> Hstu::make_model(Parameters& parameters,
                                                const Catalogue& catalogue) const {
  return std::make_unique<HstuModel>(settings_, parameters, catalogue);
}

}  // namespace tsrec::sequential
