// What the lists look like as a whole: how much of the catalogue they show, how much of them is no
// SID at all, and how many are proven to be the model's own best.
#include "tsrec/parts/metric.hpp"

namespace {

using namespace tsrec;

struct Settings {
  std::vector<int64_t> k = {10};
  void declare(Options& o) {
    o.add("k", k).range(1, 100000).help("lengths of the list's head that are looked at");
  }
};

// Distinct items in the first K places of all lists, over the number of items.
class Coverage final : public Metric {
 public:
  Coverage(const Settings& settings, Context&) : settings_(settings) {}
  Numbers measure(const Evaluation& evaluation, Context&) const override {
    Numbers numbers;
    const auto item = evaluation.rankings.item_SM.accessor<int64_t, 2>();
    for (const int64_t k : settings_.k) {
      std::set<int64_t> shown;
      for (int64_t row = 0; row < item.size(0); ++row) {
        for (int64_t m = 0; m < std::min(k, item.size(1)); ++m) {
          if (item[row][m] >= 0) shown.insert(item[row][m]);
        }
      }
      numbers.push_back(
          {c10::str("coverage@", k),
           static_cast<double>(shown.size()) / static_cast<double>(evaluation.data.items.size()),
           {}});
    }
    return numbers;
  }

 private:
  Settings settings_;
};

// Answers that are no SID of the catalogue, over all answers: those that the decoder could not find
// in it, which stand in no list, and those of the lists that the SID table does not confirm.
class IllegalRate final : public Metric {
 public:
  IllegalRate(const NoSettings&, Context&) {}
  Numbers measure(const Evaluation& evaluation, Context&) const override {
    int64_t illegal = evaluation.rankings.num_illegal, answers = illegal;
    const Catalogue catalogue(evaluation);
    const torch::Tensor& item_SM = evaluation.rankings.item_SM;
    const torch::Tensor& leaf_SM = evaluation.rankings.leaf_SM;
    const auto item = item_SM.accessor<int64_t, 2>();
    const auto leaf = (leaf_SM.defined() ? leaf_SM : item_SM).accessor<int64_t, 2>();
    for (int64_t row = 0; row < item.size(0); ++row) {
      for (int64_t m = 0; m < item.size(1); ++m) {
        if (item[row][m] < 0) continue;
        ++answers;
        illegal += !catalogue.has(item[row][m], leaf[row][m]);
      }
    }
    const double rate =
        static_cast<double>(illegal) / static_cast<double>(std::max<int64_t>(1, answers));
    return {{"illegal_rate", rate, {}, Better::lower}};
  }

 private:
  // Which item is spelled by which leaf; without leaves, which items there are.
  class Catalogue {
   public:
    explicit Catalogue(const Evaluation& evaluation) : num_items_(evaluation.data.items.size()) {
      if (evaluation.sids != nullptr && evaluation.rankings.leaf_SM.defined())
        leaf_N_ = evaluation.sids->group_N();
    }
    bool has(int64_t item, int64_t leaf) const {
      return item < num_items_ && (leaf_N_.empty() || leaf_N_[static_cast<size_t>(item)] == leaf);
    }

   private:
    int64_t num_items_;
    std::vector<int64_t> leaf_N_;
  };
};

// Rows whose first K SIDs are proven to be the best of the whole catalogue under the model: no
// wider beam could change them. Nothing where lists come without proof.
class Certified final : public Metric {
 public:
  Certified(const Settings& settings, Context&) : settings_(settings) {}
  Numbers measure(const Evaluation& evaluation, Context&) const override {
    const torch::Tensor& certified_S = evaluation.rankings.certified_S;
    Numbers numbers;
    if (!certified_S.defined() || certified_S.numel() == 0) return numbers;
    for (const int64_t k : settings_.k) {
      const torch::Tensor row_S = (certified_S >= k).to(torch::kFloat64);
      numbers.push_back({c10::str("certified@", k), row_S.mean().item<double>(), row_S});
    }
    return numbers;
  }

 private:
  Settings settings_;
};

}  // namespace

TSREC_PLUGIN(
    "tsrec.catalogue_metrics", "0.1.0",
    tsrec::part<tsrec::Metric, Coverage, Settings>("coverage", /*revision=*/1,
                                                   "Share of the catalogue that the lists show"),
    tsrec::part<tsrec::Metric, IllegalRate, tsrec::NoSettings>(
        "illegal_rate", /*revision=*/2, "Share of answers that are no SID of the catalogue"),
    tsrec::part<tsrec::Metric, Certified, Settings>(
        "certified", /*revision=*/1,
        "Share of rows whose first K SIDs are proven to be the model's best"))
