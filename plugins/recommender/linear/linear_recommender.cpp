#include "linear_recommender.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <numeric>
#include <unordered_set>

namespace tsrec::linear {

void ListSettings::declare(Options& o) {
  o.add("decay", decay)
      .range(0, 1)
      .help(
          "weight of an item of the history relative to the one taken after it; 1: all count "
          "alike, as published; 0: only the last");
  o.add("repeats", repeats)
      .help(
          "items of the history compete for places like all others; false: they stand behind all "
          "others");
}

std::vector<Scored> Scores::take() {
  std::vector<Scored> scored;
  scored.reserve(named_.size());
  for (const int64_t item : named_) {
    const auto i = static_cast<size_t>(item);
    scored.push_back({score_N_[i], item});
    score_N_[i] = 0;
    is_named_N_[i] = 0;
  }
  named_.clear();
  return scored;
}

Popularity::Popularity(torch::Tensor popular_N)
    : popular_N_(std::move(popular_N)), place_N_(static_cast<size_t>(popular_N_.size(0))) {
  for (int64_t place = 0; place < num_items(); ++place)
    place_N_[static_cast<size_t>(item_at(place))] = place;
}

Popularity Popularity::of(const Lists& users_of_items) {
  std::vector<int64_t> order(static_cast<size_t>(users_of_items.size()));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return users_of_items.of(a).size() > users_of_items.of(b).size();
  });
  return Popularity(torch::tensor(order, torch::kInt64));
}

void keep_best(std::vector<Scored>& scored, size_t count, const Popularity& popularity) {
  const size_t kept = std::min(count, scored.size());
  const auto ranks = [&](const Scored& a, const Scored& b) {
    return popularity.ranks_before(a, b);
  };
  std::partial_sort(scored.begin(), scored.begin() + static_cast<std::ptrdiff_t>(kept),
                    scored.end(), ranks);
  scored.resize(kept);
}

void LinearRecommender::fit(const RecommenderInputs& inputs, Context& context) {
  if (inputs.data.train.size() == 0)
    throw DataError(
        "item_knn and ease count what training users have, and the train split has no rows; give "
        "the source some, or leave out [[recommender]]");
  const Lists items = items_of_users(inputs.data.train);
  const Lists users = users_of_items(items, inputs.data.items.size());
  popularity_ = Popularity::of(users);
  fit_weights(items, users, context);
}

// What the history speaks for, then the popular items, then, unless they may repeat, its own.
std::vector<Scored> LinearRecommender::ranked(std::span<const int64_t> history, size_t width,
                                              Scores& scores) const {
  std::unordered_set<int64_t> seen;
  double factor = 1;
  for (auto item = history.rbegin(); item != history.rend() && factor > 0;
       ++item, factor *= settings_.decay) {
    if (seen.insert(*item).second) add_weights(*item, factor, scores);
  }
  seen.insert(history.begin(), history.end());  // those that no longer count are seen as well
  if (settings_.repeats) seen.clear();

  // Nothing was said of the others, so that they score 0; no more than `width` can be listed.
  size_t others = 0;
  for (int64_t place = 0; place < popularity_.num_items() && others < width; ++place) {
    if (scores.names_all()) break;
    const int64_t item = popularity_.item_at(place);
    if (scores.names(item) || seen.contains(item)) continue;
    scores.add(item, 0);
    ++others;
  }
  std::vector<Scored> list = scores.take();
  std::erase_if(list, [&](const Scored& entry) { return seen.contains(entry.item); });
  keep_best(list, width, popularity_);
  for (int64_t place = 0; list.size() < width; ++place) {
    const int64_t item = popularity_.item_at(place);
    if (seen.contains(item)) list.push_back({std::numeric_limits<float>::lowest(), item});
  }
  return list;
}

Rankings LinearRecommender::rank(const Samples& samples, int64_t num_candidates, Context& context) {
  const int64_t num_items = popularity_.num_items(), width = std::min(num_candidates, num_items);
  Rankings rankings;
  rankings.item_SM = torch::empty({samples.size(), width}, torch::kInt64);
  rankings.score_SM = torch::empty({samples.size(), width});
  int64_t* items = rankings.item_SM.mutable_data_ptr<int64_t>();
  float* values = rankings.score_SM.mutable_data_ptr<float>();
  constexpr int64_t kRowsAtOnce = 4096;
  for (int64_t first = 0; first < samples.size(); first += kRowsAtOnce) {
    if (context.stopping()) throw Interrupted("ranking was stopped; it starts again next time");
    const int64_t last = std::min(samples.size(), first + kRowsAtOnce);
    at::parallel_for(first, last, /*grain_size=*/64, [&](int64_t begin, int64_t end) {
      Scores scores(num_items);
      for (int64_t row = begin; row < end; ++row) {
        const std::vector<Scored> list =
            ranked(samples.history(row), static_cast<size_t>(width), scores);
        for (size_t m = 0; m < list.size(); ++m) {
          items[row * width + static_cast<int64_t>(m)] = list[m].item;
          values[row * width + static_cast<int64_t>(m)] = static_cast<float>(list[m].score);
        }
      }
    });
    context.progress("ranking", last, samples.size());
  }
  return rankings;
}

void LinearRecommender::save(ArtifactWriter& writer) const {
  writer.tensor("popular_N", popularity_.popular_N());
  save_weights(writer);
}

void LinearRecommender::load(const ArtifactReader& reader) {
  popularity_ = Popularity(reader.tensor("popular_N"));
  load_weights(reader);
}

}  // namespace tsrec::linear
