// Lists and places out of scores, some rows at a time: nobody holds the scores of all rows. Of
// items with equal scores the one with the lower number comes first.
#pragma once

#include "tsrec/data.hpp"

namespace tsrec::sequential {

// How many rows' scores over all items are held at once.
int64_t rows_at_once(int64_t num_items);

// Row b's history is that of samples' row first + b: its items stand behind all others from now on.
void put_histories_last(const Samples& samples, int64_t first, const torch::Tensor& score_BN);

// score_BN, float32 -> the best items of every row and their scores, [B, count].
struct BestItems {
  torch::Tensor item_BM, score_BM;
};
BestItems best_items(const torch::Tensor& score_BN, int64_t count);

// Of every row's label: how many items stand before it.
std::vector<int64_t> places(const torch::Tensor& score_BN, const torch::Tensor& label_B);

}  // namespace tsrec::sequential
