// A completion of the target's brand earns something, also where it is another item.
#include "tsrec/parts/reward.hpp"

namespace {

using namespace tsrec;

struct Settings {
  std::string column = "brand";
  void declare(Options& o) { o.add("column", column).help("the text that is compared"); }
};

class SameBrandReward final : public Reward {
 public:
  SameBrandReward(const Settings& settings, Context&) : settings_(settings) {}

  void prepare(const RewardInputs& inputs, Context& context) override {
    items_ = inputs.data.items;
    const std::vector<std::string> columns = items_.columns();
    if (std::find(columns.begin(), columns.end(), settings_.column) == columns.end())
      context.log(Level::warning, "no item has a '" + settings_.column + "'; the reward is 0");
  }

  torch::Tensor score(const Rollouts& rollouts) const override {
    torch::Tensor score_BG = torch::zeros(rollouts.item_BG.sizes());
    for (int64_t b = 0; b < score_BG.size(0); ++b) {
      const int64_t target = rollouts.target_B[b].item<int64_t>();
      if (target < 0) throw Error("reward 'same_brand': prompt ", b, " has no target");
      const std::string_view wanted = items_.text(settings_.column, target);
      for (int64_t g = 0; g < score_BG.size(1); ++g) {
        const int64_t item = rollouts.item_BG[b][g].item<int64_t>();
        const bool is_same = item >= 0 && items_.text(settings_.column, item) == wanted;
        if (is_same && !wanted.empty()) score_BG[b][g] = 1;
      }
    }
    return score_BG;
  }

 private:
  Settings settings_;
  Items items_;
};

}  // namespace

TSREC_PLUGIN("example.same_brand", "0.1.0",
             tsrec::part<tsrec::Reward, SameBrandReward, Settings>(
                 "same_brand", /*revision=*/1, "1 where the completion has the target's brand"))
