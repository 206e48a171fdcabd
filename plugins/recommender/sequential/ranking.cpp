#include "ranking.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "ranking_kernel.hpp"

namespace tsrec::sequential {

int64_t rows_at_once(int64_t num_items) {
  constexpr int64_t kScores = 1 << 23;  // 32 MB
  return std::clamp<int64_t>(kScores / std::max<int64_t>(1, num_items), 8, 1024);
}

void put_histories_last(const Samples& samples, int64_t first, const torch::Tensor& score_BN) {
  auto score = score_BN.accessor<float, 2>();
  for (int64_t b = 0; b < score_BN.size(0); ++b) {
    for (const int64_t item : samples.history(first + b))
      score[b][item] = std::numeric_limits<float>::lowest();
  }
}

// Of each of enough groups of items the best one is found: the width-th of these is no better than
// the width-th of all, and few items beside the best are as good. So only few are sorted.
BestItems best_items(const torch::Tensor& score_BN, int64_t count) {
  const torch::Tensor scores = score_BN.contiguous();
  const int64_t rows = scores.size(0), num_items = scores.size(1),
                width = std::min(count, num_items);
  BestItems best{torch::empty({rows, width}, torch::kInt64), torch::empty({rows, width})};
  if (width == 0) return best;
  const float* score_data = scores.const_data_ptr<float>();
  auto* item_data = best.item_BM.mutable_data_ptr<int64_t>();
  auto* kept_data = best.score_BM.mutable_data_ptr<float>();
  const int64_t groups = (3 * width + kGroupLanes - 1) / kGroupLanes * kGroupLanes;
  at::parallel_for(0, rows, /*grain=*/1, [&](int64_t begin, int64_t end) {
    std::vector<float> maximum(static_cast<size_t>(groups));
    std::vector<int64_t> item(static_cast<size_t>(num_items));
    for (int64_t row = begin; row < end; ++row) {
      const float* score = score_data + row * num_items;
      const auto is_before = [&](int64_t a, int64_t b) {
        return score[a] > score[b] || (score[a] == score[b] && a < b);
      };
      group_maxima(score, num_items, groups, maximum.data());
      const auto bound = maximum.begin() + width - 1;
      std::nth_element(maximum.begin(), bound, maximum.end(), std::greater<>());
      const int64_t found = items_from(score, num_items, *bound, item.data());
      std::partial_sort(item.begin(), item.begin() + width, item.begin() + found, is_before);
      for (int64_t m = 0; m < width; ++m) {
        item_data[row * width + m] = item[static_cast<size_t>(m)];
        kept_data[row * width + m] = score[item[static_cast<size_t>(m)]];
      }
    }
  });
  return best;
}

std::vector<int64_t> places(const torch::Tensor& score_BN, const torch::Tensor& label_B) {
  const torch::Tensor scores = score_BN.contiguous();
  const int64_t rows = scores.size(0), num_items = scores.size(1);
  const float* score_data = scores.const_data_ptr<float>();
  const auto* label = label_B.const_data_ptr<int64_t>();
  std::vector<int64_t> place(static_cast<size_t>(rows));
  at::parallel_for(0, rows, /*grain=*/8, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      place[static_cast<size_t>(row)] =
          place_of(score_data + row * num_items, num_items, label[row]);
  });
  return place;
}

}  // namespace tsrec::sequential
