// Caser's filters over the newest tokens before each label of a batch, differentiable.
#pragma once

#include "batches.hpp"
#include "convolution_kernel.hpp"

namespace tsrec::sequential {

// The windows of a batch's labels, and the tokens that stand in them.
struct Windows {
  // rows: of a window. The tokens stand in its last ones, else in its first ones.
  Windows(const Batch& batch, int64_t rows, bool newest_at_end);
  int64_t rows;
  // Both S and R are multiples of 32: up to 31 tokens and empty windows behind the others are of
  // none.
  torch::Tensor item_S;               // int64: the tokens' items
  std::vector<Window> window_R;       // label by label
  std::vector<int64_t> offset_B1{0};  // where blocks of windows begin, which share no token
};

struct FilterWeights {
  // Of each height the filters' first rows, their second rows, ..., [rows of all filters, D].
  torch::Tensor horizontal_KD, horizontal_bias;
  torch::Tensor vertical_VL, vertical_bias;
};

// x: what stands for the windows' tokens. -> [R, heights * filters + V * D]: the largest
// value of every horizontal filter over all places, behind relu; then every vertical filter's sums.
// A row without a token is one of zeros. Float32 on the CPU; equal bytes for any number of threads.
torch::Tensor convolved(const torch::Tensor& x_SD, std::shared_ptr<const Windows> windows,
                        const std::vector<int64_t>& heights, const FilterWeights& weights);

}  // namespace tsrec::sequential
