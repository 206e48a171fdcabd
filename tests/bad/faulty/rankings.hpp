// Recommenders and metrics with one fault each.
#pragma once

#include "tsrec/parts/metric.hpp"
#include "tsrec/parts/recommender.hpp"

namespace tsrec::bad {

// --- recommender: the items in their order, spoiled
template <void (*spoil)(Rankings&)>
class SpoiledLists final : public Recommender {
 public:
  SpoiledLists(const NoSettings&, Context&) {}
  void fit(const RecommenderInputs& inputs, Context&) override {
    items_ = inputs.data.items.size();
  }
  Rankings rank(const Samples& samples, int64_t num_candidates, Context&) override {
    const int64_t width = std::min(num_candidates, items_);
    Rankings rankings;
    rankings.item_SM = torch::arange(width).repeat({samples.size(), 1});
    rankings.score_SM = -rankings.item_SM.to(torch::kFloat32);
    spoil(rankings);
    return rankings;
  }
  void save(ArtifactWriter& writer) const override {
    writer.number("items", static_cast<double>(items_));
  }
  void load(const ArtifactReader& reader) override {
    items_ = static_cast<int64_t>(reader.number("items"));
  }

 private:
  int64_t items_ = 0;
};
inline void beyond_the_catalogue(Rankings& lists) { lists.item_SM[1][2] = 1000000; }
inline void one_item_twice(Rankings& lists) { lists.item_SM[1][2] = 0; }
inline void scores_of_nan(Rankings& lists) { lists.score_SM[1][2] = std::nan(""); }
inline void worst_first(Rankings& lists) { lists.score_SM = -lists.score_SM; }
inline void a_list_less(Rankings& lists) {
  lists.item_SM = lists.item_SM.slice(0, 1).clone();
  lists.score_SM = lists.score_SM.slice(0, 1).clone();
}

// --- metric
template <Numbers (*measured)()>
class Gives final : public Metric {
 public:
  Gives(const NoSettings&, Context&) {}
  Numbers measure(const Evaluation&, Context&) const override { return measured(); }
};
class SortsTheLists final : public Metric {
 public:
  SortsTheLists(const NoSettings&, Context&) {}
  Numbers measure(const Evaluation& evaluation, Context&) const override {
    torch::Tensor item_SM = evaluation.rankings.item_SM;
    item_SM.copy_(std::get<0>(item_SM.sort(1, /*descending=*/true)));
    return {{"luck", 0.5, {}}};
  }
};
inline Numbers nan_number() { return {{"luck", std::nan(""), {}}}; }
inline Numbers unnamed_number() { return {{"", 0.5, {}}}; }
inline Numbers number_twice() { return {{"luck", 0.5, {}}, {"luck", 0.25, {}}}; }
inline Numbers row_short() { return {{"luck", 0.5, torch::full({2}, 0.5, torch::kFloat64)}}; }

}  // namespace tsrec::bad
