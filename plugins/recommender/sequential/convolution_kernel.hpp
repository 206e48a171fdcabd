// Caser's filters over windows of tokens, over plain memory.
#pragma once

#include "lanes.hpp"

namespace tsrec::sequential {

// Its rows row .. row + count - 1 hold the tokens first .. first + count - 1; all others are empty.
struct Window {
  int64_t first, count, row;
};

// Horizontal filters of one height, at most kLanes, side by side. Their columns: of a token's
// products with their first row, and of the maxima.
struct FilterGroup {
  int64_t height, filters, product, maximum;
};

// A horizontal filter looks at `height` rows behind each other, at every place of the window; a
// vertical one at one number of all rows.
struct FilterShape {
  int64_t window, width;         // rows of a window, numbers of a token
  int64_t horizontal, vertical;  // filters: of each height, of all
  int64_t num_products, num_maxima;
  const FilterGroup* groups;
  int64_t num_groups;
  int64_t num_features() const { return num_maxima + vertical * width; }
};

// product: of each token with each row of each horizontal filter, [tokens, num_products]: height by
// height, row by row. vertical: [filters, window].
struct FilterInputs {
  const float *token, *product, *horizontal_bias, *vertical, *vertical_bias;
};

// All are added to. Those of vertical filters are kLanes numbers for each weight and bias, behind
// each other; their sum is the gradient.
struct FilterGradients {
  float *token, *product, *horizontal_bias, *vertical_lanes, *vertical_bias_lanes;
};

// feature, [count, num_features()]: of every horizontal filter the largest value over all places,
// or 0 where none is larger; behind them of every vertical one its sums. place, [count,
// num_maxima]: where the largest value is met first, -1 where it is 0.
void filters_forward(const FilterShape& shape, const Window* windows, int64_t count,
                     const FilterInputs& inputs, int32_t* place, float* feature);
void filters_backward(const FilterShape& shape, const Window* windows, int64_t count,
                      const FilterInputs& inputs, const int32_t* place,
                      const float* feature_gradient, const FilterGradients& gradients);

}  // namespace tsrec::sequential
