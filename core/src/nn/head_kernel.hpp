// One tile of logits: a block of rows against a range of the vocabulary, [rows, columns] numbers of
// type T, float or Bfloat16. Sums over them are float32.
#pragma once

#include "simd.hpp"

namespace tsrec::nn {

template <class T>
struct LogitTile {
  T* logit;               // [rows, columns], behind each other
  int64_t rows, columns;  // of this tile
  int64_t first_column;   // its place in the vocabulary
};

// Running log-sum-exp of each row over the tiles seen so far: largest + log(sum). Begin with
// largest = -inf, sum = 0. picked (may be null): the logit at each row's label, once its tile
// comes.
template <class T>
void log_sum_update(const LogitTile<T>& tile, const int64_t* label, float* largest, float* sum,
                    float* picked);

// logit <- gradient (onehot(label) - exp(logit - normalizer)), the gradient of log softmax at the
// label.
template <class T>
void log_softmax_gradient(const LogitTile<T>& tile, const int64_t* label, const float* normalizer,
                          const float* gradient);

}  // namespace tsrec::nn
