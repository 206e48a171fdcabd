#include "ranking.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <limits>

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

BestItems best_items(const torch::Tensor& score_BN, int64_t count) {
  const torch::Tensor scores = score_BN.contiguous();
  const int64_t rows = scores.size(0), num_items = scores.size(1),
                width = std::min(count, num_items);
  BestItems best{torch::empty({rows, width}, torch::kInt64), torch::empty({rows, width})};
  const float* score_data = scores.const_data_ptr<float>();
  auto* item_data = best.item_BM.mutable_data_ptr<int64_t>();
  auto* kept_data = best.score_BM.mutable_data_ptr<float>();
  at::parallel_for(0, rows, /*grain=*/1, [&](int64_t begin, int64_t end) {
    using Entry = std::pair<float, int64_t>;
    const auto is_before = [](const Entry& a, const Entry& b) {
      return a.first > b.first || (a.first == b.first && a.second < b.second);
    };
    std::vector<Entry> heap;  // of the best so far; its front is the last of them
    for (int64_t row = begin; row < end; ++row) {
      const float* score = score_data + row * num_items;
      heap.clear();
      for (int64_t item = 0; item < num_items && width > 0; ++item) {
        const bool is_full = std::ssize(heap) == width;
        if (is_full && !(score[item] > heap.front().first)) continue;
        if (is_full) {
          std::pop_heap(heap.begin(), heap.end(), is_before);
          heap.pop_back();
        }
        heap.emplace_back(score[item], item);
        std::push_heap(heap.begin(), heap.end(), is_before);
      }
      std::sort_heap(heap.begin(), heap.end(), is_before);
      for (int64_t m = 0; m < width; ++m) {
        kept_data[row * width + m] = heap[static_cast<size_t>(m)].first;
        item_data[row * width + m] = heap[static_cast<size_t>(m)].second;
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
    for (int64_t row = begin; row < end; ++row) {
      const float* score = score_data + row * num_items;
      const float own = score[label[row]];
      int64_t before = std::count_if(score, score + num_items, [&](float s) { return s > own; });
      before += std::count(score, score + label[row], own);
      place[static_cast<size_t>(row)] = before;
    }
  });
  return place;
}

}  // namespace tsrec::sequential
