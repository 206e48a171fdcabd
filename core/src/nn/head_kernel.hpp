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

// The labels of row r have the numbers first[r] .. first[r + 1] - 1.
struct RowLabels {
  const int64_t* first;
  const int64_t* label;  // by number
};

// Running log-sum-exp of each row over the tiles seen so far: largest + log(sum). Begin with
// largest = -inf, sum = 0. picked, by number (null: there are no labels): the logits at the labels,
// once their tiles come.
template <class T>
void log_sum_update(const LogitTile<T>& tile, const RowLabels& labels, float* largest, float* sum,
                    float* picked);

// logit <- sum over the row's labels of gradient (onehot(label) - exp(logit - normalizer)), the
// gradient of log softmax at them. gradient: by number.
template <class T>
void log_softmax_gradient(const LogitTile<T>& tile, const RowLabels& labels,
                          const float* normalizer, const float* gradient);

// logit <- exp(logit - the row's largest), and at the label less the row's sum of them; log_prob:
// log softmax at the label. A tile of whole rows.
void softmax_errors(const LogitTile<float>& tile, const int64_t* label, float* sum,
                    float* log_prob);

}  // namespace tsrec::nn
