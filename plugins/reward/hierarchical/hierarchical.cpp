// Partial credit for the leading codes of a SID (the hierarchical reward of MiniOneRec's later
// code): a miss that shares the first codes with the target is a near one.
#include "tsrec/parts/reward.hpp"

namespace {

using namespace tsrec;

struct Settings {
  TargetMatch match;
  std::vector<double> shares = {0.2, 0.5, 1.0};
  void declare(Options& o) {
    match.declare(o);
    o.add("shares", shares)
        .range(0, 1)
        .help(
            "what 1, 2, ... leading codes earn that a completion has in common with the target, "
            "one for each level; the last is a hit's")
        .check([this] {
          const bool rises = std::adjacent_find(shares.begin(), shares.end(),
                                                std::greater_equal<>()) == shares.end();
          return rises && !shares.empty()
                     ? ""
                     : "shares must rise from level to level, or a miss earns what a hit does";
        });
  }
};

class Hierarchical final : public Reward {
 public:
  Hierarchical(const Settings& settings, Context&) : settings_(settings) {}

  void prepare(const RewardInputs& inputs, Context&) override {
    settings_.match.prepare(inputs.sids);
    code_NL_ = inputs.sids.code_NL.contiguous();
    const auto levels = static_cast<int64_t>(settings_.shares.size());
    if (levels == inputs.sids.num_levels()) return;
    std::vector<std::string> even;
    for (int64_t level = 1; level <= inputs.sids.num_levels(); ++level)
      even.push_back(
          c10::str(static_cast<double>(level) / static_cast<double>(inputs.sids.num_levels())));
    throw ConfigError("reward 'hierarchical': shares has ", levels, " entries, and the SIDs have ",
                      inputs.sids.num_levels(), " levels; give one for each, such as shares = [",
                      c10::Join(", ", even), "]");
  }

  torch::Tensor score(const Rollouts& rollouts) const override {
    return settings_.match.scores(
        rollouts, settings_.shares.back(), [&](int64_t, int64_t item, int64_t target) {
          const int64_t shared = shared_codes(item, target);
          return shared == 0 ? 0.0 : settings_.shares[static_cast<size_t>(shared - 1)];
        });
  }

 private:
  // Leading codes of a miss that are the target's; fewer than the target has, also where an item of
  // the target's own SID is no hit.
  int64_t shared_codes(int64_t item, int64_t target) const {
    const int64_t levels = code_NL_.size(1);
    const int64_t* a = code_NL_.const_data_ptr<int64_t>() + item * levels;
    const int64_t* b = code_NL_.const_data_ptr<int64_t>() + target * levels;
    int64_t shared = 0, length = 0;
    while (length < levels && b[length] >= 0) ++length;
    while (shared < length - 1 && a[shared] == b[shared]) ++shared;
    return shared;
  }

  Settings settings_;
  torch::Tensor code_NL_;
};

}  // namespace

TSREC_PLUGIN("tsrec.hierarchical", "0.1.0",
             tsrec::part<tsrec::Reward, Hierarchical, Settings>(
                 "hierarchical", /*revision=*/1,
                 "The more of the target's leading codes, the more a completion earns"))
