// What a SID stands for: a task that asks for an item's brand, and a metric that asks the trained
// model in the same words.
#include <set>

#include "tsrec/evenly_spaced.hpp"
#include "tsrec/nn/label_log_probs.hpp"
#include "tsrec/parts/metric.hpp"

namespace {

using namespace tsrec;

constexpr const char* kForm = "brand_of_item";

Wordings own_wordings() {
  return {{kForm,
           {{"instruction", "Name the brand of an item."},
            {"input", "brand {item}"},
            {"target", "{brand}{eos}"}}}};
}

std::vector<int64_t> branded(const Items& items) {
  std::vector<int64_t> chosen;
  for (int64_t item = 0; item < items.size(); ++item)
    if (!items.text("brand", item).empty()) chosen.push_back(item);
  return chosen;
}

Example question(int64_t item, std::string_view brand) {
  Example example;
  example.form = kForm;
  example.slots = {{"item", {Piece::sid(item)}}, {"brand", {Piece::text(std::string(brand))}}};
  return example;
}

class BrandOfItemTask final : public Task {
 public:
  BrandOfItemTask(const NoSettings&, Context&) {}
  static Wordings wordings() { return own_wordings(); }

  void prepare(const TaskInputs& inputs, Context&) override {
    items_ = inputs.data.items;
    branded_ = branded(items_);
  }
  int64_t size(Split split) const override {
    return split == Split::train ? static_cast<int64_t>(branded_.size()) : 0;
  }
  Example at(Split, int64_t index, uint64_t) const override {
    const int64_t item = branded_[static_cast<size_t>(index)];
    return question(item, items_.text("brand", item));
  }
  std::string form() const override { return kForm; }
  bool answers_with_item() const override { return false; }

 private:
  Items items_;
  std::vector<int64_t> branded_;
};

struct MetricSettings {
  int64_t limit = 0;
  void declare(Options& o) {
    o.add("limit", limit).at_least(0).unit("items").help("ask about so many items; 0: about all");
  }
};

// The share of items whose own brand is the likeliest of all brands.
class BrandAccuracyMetric final : public Metric, public NeedsDecoder {
 public:
  BrandAccuracyMetric(const MetricSettings& settings, Context&) : settings_(settings) {}
  static Wordings wordings() { return own_wordings(); }
  Numbers measure(const Evaluation&, Context&) const override { return {}; }

  Numbers measure_with(const nn::LanguageModel& model, const TaskInputs& inputs,
                       const PromptCompiler& compiler, const Trie&,
                       Context& context) const override {
    const torch::NoGradGuard no_grad;
    const Items& items = inputs.data.items;
    const std::vector<int64_t> all = branded(items);
    if (all.empty()) throw DataError("metric 'brand_accuracy': no item has a brand");
    std::set<std::string_view> brands;
    for (const int64_t item : all) brands.insert(items.text("brand", item));
    std::vector<CompiledExample> rows;
    std::vector<int64_t> own;  // of each item asked about, the number of its brand
    for (const int64_t i : evenly_spaced(static_cast<int64_t>(all.size()), settings_.limit)) {
      const int64_t item = all[static_cast<size_t>(i)];
      for (const std::string_view brand : brands) {
        if (brand == items.text("brand", item))
          own.push_back(static_cast<int64_t>(rows.size() % brands.size()));
        rows.push_back(compiler.compile(question(item, brand)));
      }
    }
    torch::Tensor log_prob_B = torch::zeros({static_cast<int64_t>(rows.size())});
    for (const nn::PackedBatch& pack : nn::pack(rows, {})) {
      log_prob_B.index_add_(0, pack.row_R,
                            nn::label_log_probs(model, pack, {}, context).to(torch::kCPU));
    }
    const torch::Tensor best_S =
        log_prob_B.view({-1, static_cast<int64_t>(brands.size())}).argmax(/*dim=*/1);
    const torch::Tensor is_hit_S = best_S == torch::tensor(own, torch::kInt64);
    return {
        {"brand_accuracy", is_hit_S.to(torch::kFloat64).mean().item<double>(), {}, Better::higher}};
  }

 private:
  MetricSettings settings_;
};

}  // namespace

TSREC_PLUGIN("example.brand_of_item", "0.1.0",
             (tsrec::part<tsrec::Task, BrandOfItemTask, tsrec::NoSettings>(
                 "brand_of_item", /*revision=*/1, "SID of an item -> its brand")),
             (tsrec::part<tsrec::Metric, BrandAccuracyMetric, MetricSettings>(
                 "brand_accuracy", /*revision=*/1, "Is an item's own brand the likeliest?")))
