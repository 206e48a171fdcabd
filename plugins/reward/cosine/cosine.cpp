// How near the completion's item is to the target's in the vectors of the experiment's encoder
// (the semantic reward of MiniOneRec, arXiv 2510.24431).
#include "tsrec/parts/reward.hpp"
#include "tsrec/unit_rows.hpp"

namespace {

using namespace tsrec;

struct Settings {
  TargetMatch match;
  double margin = 0.05;
  void declare(Options& o) {
    match.declare(o);
    o.add("margin", margin)
        .range(0, 1)
        .help(
            "a miss earns (1 - margin) times its cosine, so that no vector beside the target's is "
            "worth a hit; 0: as published");
  }
};

class Cosine final : public Reward {
 public:
  static constexpr const char* kNeeds = "encoder";
  Cosine(const Settings& settings, Context&) : settings_(settings) {}

  void prepare(const RewardInputs& inputs, Context&) override {
    settings_.match.prepare(inputs.sids);
    const torch::Tensor& x_ND = inputs.earlier.x_ND;
    if (!x_ND.defined() || x_ND.size(0) != inputs.data.items.size())
      throw Error(
          "reward 'cosine' compares items by the encoder's vectors, and its trainer did not hand "
          "them on, one for each item; a trainer passes TrainInputs::earlier to its rewards");
    unit_ND_ = unit_rows(x_ND.to(torch::kFloat64)).contiguous();
  }

  torch::Tensor score(const Rollouts& rollouts) const override {
    return settings_.match.scores(rollouts, /*hit=*/1, [&](int64_t, int64_t item, int64_t target) {
      const int64_t width = unit_ND_.size(1);
      const double* all = unit_ND_.const_data_ptr<double>();
      const double cosine = std::inner_product(all + item * width, all + (item + 1) * width,
                                               all + target * width, 0.0);
      return (1 - settings_.margin) * std::clamp(cosine, -1.0, 1.0);
    });
  }

 private:
  Settings settings_;
  torch::Tensor unit_ND_;  // float64; a vector of nothing stays one
};

}  // namespace

TSREC_PLUGIN("tsrec.cosine", "0.1.0",
             tsrec::part<tsrec::Reward, Cosine, Settings>(
                 "cosine", /*revision=*/1,
                 "How near the item is to the target in the encoder's vectors"))
