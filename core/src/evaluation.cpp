#include "tsrec/evaluation.hpp"

namespace tsrec {
namespace {

// Without SIDs, and for recommenders, every item is a group of its own.
std::vector<int64_t> groups_of(const Evaluation& evaluation) {
  if (evaluation.sids != nullptr) return evaluation.sids->group_N();
  std::vector<int64_t> own(static_cast<size_t>(evaluation.data.items.size()));
  std::iota(own.begin(), own.end(), 0);
  return own;
}

}  // namespace

void Rollouts::require_samples(std::string_view asker) const {
  if (samples.size() == item_BG.size(0)) return;
  throw Error(asker, " the prompt's history, and the rollouts of ", item_BG.size(0),
              " prompts come with ", samples.size(),
              " rows; a trainer calls train::describe_prompts()");
}

TargetPlaces target_places(const Evaluation& evaluation) {
  const std::vector<int64_t> group_N = groups_of(evaluation);
  const bool tied = evaluation.rankings.leaf_SM.defined();  // items of one SID share their score
  const auto item = evaluation.rankings.item_SM.accessor<int64_t, 2>();
  TargetPlaces places;
  for (int64_t row = 0; row < item.size(0); ++row) {
    const int64_t target = evaluation.samples.target(row);
    const int64_t target_group = group_N[static_cast<size_t>(target)];
    int64_t sid_place = -1, item_before = -1, group_size = 0, place = 0, before = 0;
    std::set<int64_t> seen;
    for (int64_t m = 0; m < item.size(1); ++m) {
      const int64_t candidate = item[row][m];
      if (candidate < 0) continue;
      const int64_t group = group_N[static_cast<size_t>(candidate)];
      if (seen.insert(group).second) {
        if (group == target_group) {
          sid_place = place;
          if (tied) item_before = before;
        }
        ++place;
      }
      if (tied) {
        group_size += group == target_group;
      } else if (candidate == target) {
        item_before = before;
        group_size = 1;
      }
      ++before;
    }
    places.sid_place.push_back(sid_place);
    places.before.push_back(item_before);
    places.group.push_back(group_size);
  }
  return places;
}

}  // namespace tsrec
