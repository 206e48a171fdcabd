#include "pipeline/without_histories.hpp"

#include <limits>
#include <unordered_set>

namespace tsrec::host {

Rankings without_histories(const Rankings& rankings, const Samples& samples) {
  Rankings kept{
      .leaf_SM = torch::full_like(rankings.leaf_SM, -1),
      .item_SM = torch::full_like(rankings.item_SM, -1),
      .score_SM = torch::full_like(rankings.score_SM, -std::numeric_limits<float>::infinity()),
      .certified_S = rankings.certified_S.clone(),
      .num_illegal = rankings.num_illegal};
  const auto leaf = rankings.leaf_SM.accessor<int64_t, 2>();
  const auto item = rankings.item_SM.accessor<int64_t, 2>();
  const auto score = rankings.score_SM.accessor<float, 2>();
  const auto certified = rankings.certified_S.accessor<int64_t, 1>();
  auto kept_leaf = kept.leaf_SM.accessor<int64_t, 2>();
  auto kept_item = kept.item_SM.accessor<int64_t, 2>();
  auto kept_score = kept.score_SM.accessor<float, 2>();
  auto kept_certified = kept.certified_S.accessor<int64_t, 1>();
  for (int64_t row = 0; row < item.size(0); ++row) {
    const auto history = samples.history(row);
    const std::unordered_set<int64_t> seen(history.begin(), history.end());
    std::unordered_set<int64_t> listed, left;  // SIDs, before and after
    int64_t at = 0;
    for (int64_t m = 0; m < item.size(1); ++m) {
      if (item[row][m] < 0) continue;
      listed.insert(leaf[row][m]);
      const bool is_certified = static_cast<int64_t>(listed.size()) <= certified[row];
      if (!seen.contains(item[row][m])) {
        left.insert(leaf[row][m]);
        kept_leaf[row][at] = leaf[row][m];
        kept_item[row][at] = item[row][m];
        kept_score[row][at++] = score[row][m];
      }
      if (is_certified) kept_certified[row] = static_cast<int64_t>(left.size());
    }
  }
  return kept;
}

}  // namespace tsrec::host
