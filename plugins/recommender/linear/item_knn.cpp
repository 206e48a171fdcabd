#include "item_knn.hpp"

#include <ATen/Parallel.h>

#include <cmath>

namespace tsrec::linear {
namespace {

// The items that share a user with `item`, with how many they share.
std::vector<Scored> shared_users(int64_t item, const Lists& items_of_users,
                                 const Lists& users_of_items, Scores& counts) {
  for (const int64_t user : users_of_items.of(item)) {
    for (const int64_t other : items_of_users.of(user)) {
      if (other != item) counts.add(other, 1);
    }
  }
  return counts.take();
}

}  // namespace

void ItemKnnSettings::declare(Options& o) {
  o.add("neighbours", neighbours)
      .range(1, 1'000'000)
      .unit("items")
      .help("an item speaks for that many others, those most like it");
  o.add("shrink", shrink)
      .range(0, 1e9)
      .help("added below the fraction, so that two items of few users are no near neighbours");
  lists.declare(o);
}

void ItemKnn::fit_weights(const Lists& items_of_users, const Lists& users_of_items,
                          Context& context) {
  const int64_t num_items = users_of_items.size();
  std::vector<int64_t> offset = {0}, neighbour;
  std::vector<double> weight;
  const auto num_users = [&](int64_t item) {
    return static_cast<double>(users_of_items.of(item).size());
  };
  constexpr int64_t kItemsAtOnce = 4096;
  for (int64_t first = 0; first < num_items; first += kItemsAtOnce) {
    if (context.stopping()) throw Interrupted("item_knn was stopped; it starts again next time");
    const int64_t last = std::min(num_items, first + kItemsAtOnce);
    std::vector<std::vector<Scored>> nearest(static_cast<size_t>(last - first));
    at::parallel_for(first, last, /*grain_size=*/256, [&](int64_t begin, int64_t end) {
      Scores counts(num_items);
      for (int64_t item = begin; item < end; ++item) {
        std::vector<Scored> others = shared_users(item, items_of_users, users_of_items, counts);
        for (Scored& other : others)
          other.score /= std::sqrt(num_users(item) * num_users(other.item)) + settings_.shrink;
        keep_best(others, static_cast<size_t>(settings_.neighbours), popularity());
        nearest[static_cast<size_t>(item - first)] = std::move(others);
      }
    });
    for (const std::vector<Scored>& list : nearest) {
      for (const Scored& other : list) {
        neighbour.push_back(other.item);
        weight.push_back(other.score);
      }
      offset.push_back(std::ssize(neighbour));
    }
    context.progress("finding neighbours", last, num_items);
  }
  offset_N1_ = torch::tensor(offset, torch::kInt64);
  neighbour_E_ = torch::tensor(neighbour, torch::kInt64);
  weight_E_ = torch::tensor(weight, torch::kFloat64);
}

void ItemKnn::save_weights(ArtifactWriter& writer) const {
  writer.view("offset_N1", offset_N1_);
  writer.view("neighbour_E", neighbour_E_);
  writer.view("weight_E", weight_E_);
}

void ItemKnn::load_weights(const ArtifactReader& reader) {
  offset_N1_ = reader.tensor("offset_N1");
  neighbour_E_ = reader.tensor("neighbour_E");
  weight_E_ = reader.tensor("weight_E");
}

void ItemKnn::add_weights(int64_t item, double factor, Scores& scores) const {
  const int64_t* offset = offset_N1_.const_data_ptr<int64_t>();
  const int64_t* neighbour = neighbour_E_.const_data_ptr<int64_t>();
  const double* weight = weight_E_.const_data_ptr<double>();
  for (int64_t e = offset[item]; e < offset[item + 1]; ++e)
    scores.add(neighbour[e], factor * weight[e]);
}

}  // namespace tsrec::linear
