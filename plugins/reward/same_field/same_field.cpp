// Partial credit for an item that agrees with the target in one of its fields: brand, category,
// whatever column the source gives.
#include "tsrec/parts/reward.hpp"

namespace {

using namespace tsrec;

struct Settings {
  TargetMatch match;
  std::string field = "brand", separator;
  double margin = 0.05;
  void declare(Options& o) {
    match.declare(o);
    o.add("field", field).help("the column of the items that is compared; its texts");
    o.add("separator", separator)
        .help(
            "what stands between the values of a field that has several, such as \"|\": then the "
            "share of common ones counts; empty: the text is one value");
    o.add("margin", margin)
        .range(0, 1)
        .help("a miss earns (1 - margin) times the share of common values");
  }
};

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\n") - begin + 1);
}

class SameField final : public Reward {
 public:
  SameField(const Settings& settings, Context&) : settings_(settings) {}

  void prepare(const RewardInputs& inputs, Context&) override {
    settings_.match.prepare(inputs.sids);
    const Items& items = inputs.data.items;
    const std::vector<std::string> columns = items.columns();
    if (std::find(columns.begin(), columns.end(), settings_.field) == columns.end())
      throw ConfigError(
          "reward 'same_field': field = \"", settings_.field,
          "\", which no item has; the source's columns are: ", c10::Join(", ", columns));
    values_N_.clear();
    for (int64_t item = 0; item < items.size(); ++item)
      values_N_.push_back(values_of(items.text(settings_.field, item)));
  }

  torch::Tensor score(const Rollouts& rollouts) const override {
    return settings_.match.scores(rollouts, /*hit=*/1, [&](int64_t, int64_t item, int64_t target) {
      return (1 - settings_.margin) * common_share(values_N_[static_cast<size_t>(item)],
                                                   values_N_[static_cast<size_t>(target)]);
    });
  }

 private:
  using Values = std::set<std::string>;

  Values values_of(std::string_view text) const {
    Values values;
    while (true) {
      const size_t end =
          settings_.separator.empty() ? std::string_view::npos : text.find(settings_.separator);
      if (const auto value = trimmed(text.substr(0, end)); !value.empty()) values.emplace(value);
      if (end == std::string_view::npos) return values;
      text.remove_prefix(end + settings_.separator.size());
    }
  }

  // |a and b| / |a or b| (Jaccard); items that say nothing have nothing in common.
  static double common_share(const Values& a, const Values& b) {
    const auto common = static_cast<double>(
        std::count_if(a.begin(), a.end(), [&](const std::string& v) { return b.contains(v); }));
    return common == 0 ? 0 : common / (static_cast<double>(a.size() + b.size()) - common);
  }

  Settings settings_;
  std::vector<Values> values_N_;
};

}  // namespace

TSREC_PLUGIN("tsrec.same_field", "0.1.0",
             tsrec::part<tsrec::Reward, SameField, Settings>(
                 "same_field", /*revision=*/1,
                 "An item of the target's brand, category or other field earns something"))
