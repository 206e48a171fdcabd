// A recommender over SIDs alone: the items whose SID begins most like that of the newest one.
#include "tsrec/parts/recommender.hpp"

namespace {

using namespace tsrec;

class SidNeighbours final : public Recommender {
 public:
  static constexpr const char* kNeeds = "quantizer";

  SidNeighbours(const NoSettings&, Context&) {}

  void fit(const RecommenderInputs& inputs, Context&) override { code_NL_ = inputs.sids->code_NL; }

  Rankings rank(const Samples& samples, int64_t num_candidates, Context&) override {
    const int64_t width = std::min(num_candidates, code_NL_.size(0));
    Rankings rankings;
    rankings.item_SM = torch::empty({samples.size(), width}, torch::kInt64);
    rankings.score_SM = torch::empty({samples.size(), width});
    for (int64_t row = 0; row < samples.size(); ++row) {
      const auto [sorted_N, order_N] = levels_in_common(samples.history(row))
                                           .sort(/*stable=*/true, /*dim=*/0, /*descending=*/true);
      rankings.item_SM[row] = order_N.slice(0, 0, width);
      rankings.score_SM[row] = sorted_N.slice(0, 0, width).to(torch::kFloat32);
    }
    return rankings;
  }

  void save(ArtifactWriter& writer) const override { writer.tensor("code_NL", code_NL_); }
  void load(const ArtifactReader& reader) override { code_NL_ = reader.tensor("code_NL"); }

 private:
  // [N]: how many codes from the first one on an item shares with the newest one.
  torch::Tensor levels_in_common(std::span<const int64_t> history) const {
    if (history.empty()) return torch::zeros({code_NL_.size(0)}, torch::kInt64);
    return (code_NL_ == code_NL_[history.back()]).to(torch::kInt64).cumprod(1).sum(1);
  }

  torch::Tensor code_NL_;
};

}  // namespace

TSREC_PLUGIN("acme.sid_neighbours", "1.0.0",
             tsrec::part<tsrec::Recommender, SidNeighbours, tsrec::NoSettings>(
                 "sid_neighbours", /*revision=*/1, "Items whose SID begins like the newest one's"))
