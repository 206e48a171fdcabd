#include "attention_kernel.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "lanes.hpp"
#include "simd.hpp"

namespace tsrec::sequential {
namespace {

[[gnu::always_inline]] inline float dot(const float* a, const float* b, int64_t width) {
  float lanes[kLanes] = {};  // sums side by side, which the compiler can keep in registers
  const int64_t whole = width / kLanes * kLanes;
  for (int64_t d = 0; d < whole; d += kLanes) {
    for (int64_t l = 0; l < kLanes; ++l) lanes[l] += a[d + l] * b[d + l];
  }
  for (int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (int64_t l = 0; l < half; ++l) lanes[l] += lanes[l + half];
  }
  float sum = lanes[0];
  for (int64_t d = whole; d < width; ++d) sum += a[d] * b[d];
  return sum;
}

[[gnu::always_inline]] inline void add_scaled(float* sum, float factor, const float* x,
                                              int64_t width) {
  for (int64_t d = 0; d < width; ++d) sum[d] += factor * x[d];
}

inline float sigmoid(float s) { return 1 / (1 + std::exp(-s)); }

// Of one query of one head: where it is, and where its keys and pairs are.
struct Query {
  Query(const AttentionRule& rule, const SequencePlace& place, int64_t number, int64_t of_head)
      : heads(rule.heads),
        head(of_head),
        query(place.first_token + number),
        first_key(place.first_token),
        num_keys(rule.is_causal ? number + 1 : place.length),
        first_pair(place.first_pair + pairs_before(number, place.length, rule.is_causal)) {}
  int64_t token() const { return query * heads + head; }
  int64_t key(int64_t j) const { return (first_key + j) * heads + head; }
  int64_t pair(int64_t j) const { return (first_pair + j) * heads + head; }
  int64_t heads, head, query, first_key, num_keys, first_pair;
};

[[gnu::always_inline]] inline float kept(const AttentionRule& rule, int64_t pair) {
  return rule.dropout.probability > 0 ? kept_scale(rule.dropout, pair) : 1;
}

[[gnu::always_inline]] inline void softmax(const Query& at, float* known) {
  float highest = -std::numeric_limits<float>::infinity(), sum = 0;
  for (int64_t j = 0; j < at.num_keys; ++j) highest = std::max(highest, known[at.pair(j)]);
  for (int64_t j = 0; j < at.num_keys; ++j)
    sum += known[at.pair(j)] = std::exp(known[at.pair(j)] - highest);
  for (int64_t j = 0; j < at.num_keys; ++j) known[at.pair(j)] /= sum;
}

}  // namespace

SEQUENTIAL_SIMD void attention_forward(const AttentionRule& rule, const SequencePlace& place,
                                       const AttentionInputs& inputs, float* known, float* out) {
  const int64_t width = rule.width, value_width = rule.value_width;
  for (int64_t i = 0; i < place.length; ++i) {
    for (int64_t h = 0; h < rule.heads; ++h) {
      const Query at(rule, place, i, h);
      const float* q = inputs.q + at.token() * width;
      for (int64_t j = 0; j < at.num_keys; ++j) {
        known[at.pair(j)] = rule.scale * dot(q, inputs.k + at.key(j) * width, width) +
                            (inputs.bias != nullptr ? inputs.bias[at.first_pair + j] : 0);
      }
      if (rule.is_softmax) softmax(at, known);
      for (int64_t j = 0; j < at.num_keys; ++j) {
        const float value = known[at.pair(j)];
        const float weight = rule.is_softmax ? value : value * sigmoid(value) * rule.share;
        add_scaled(out + at.token() * value_width, weight * kept(rule, at.pair(j)),
                   inputs.v + at.key(j) * value_width, value_width);
      }
    }
  }
}

SEQUENTIAL_SIMD void attention_backward(const AttentionRule& rule, const SequencePlace& place,
                                        const AttentionInputs& inputs, const float* known,
                                        const float* out_gradient,
                                        const AttentionGradients& gradients) {
  const int64_t width = rule.width, value_width = rule.value_width;
  for (int64_t i = 0; i < place.length; ++i) {
    for (int64_t h = 0; h < rule.heads; ++h) {
      const Query at(rule, place, i, h);
      const float* dout = out_gradient + at.token() * value_width;
      float weighted = 0;  // of softmax: the sum of weights times their gradients
      for (int64_t j = 0; j < at.num_keys; ++j) {
        const float value = known[at.pair(j)], scale = kept(rule, at.pair(j));
        const float gate = rule.is_softmax ? 0 : sigmoid(value);
        const float weight = rule.is_softmax ? value : value * gate * rule.share;
        add_scaled(gradients.v + at.key(j) * value_width, weight * scale, dout, value_width);
        const float dweight = scale * dot(dout, inputs.v + at.key(j) * value_width, value_width);
        weighted += weight * dweight;
        gradients.score[at.pair(j)] =
            rule.is_softmax ? dweight : dweight * rule.share * gate * (1 + value * (1 - gate));
      }
      for (int64_t j = 0; j < at.num_keys; ++j) {
        float& dscore = gradients.score[at.pair(j)];
        if (rule.is_softmax) dscore = known[at.pair(j)] * (dscore - weighted);
        add_scaled(gradients.q + at.token() * width, rule.scale * dscore,
                   inputs.k + at.key(j) * width, width);
        add_scaled(gradients.k + at.key(j) * width, rule.scale * dscore,
                   inputs.q + at.token() * width, width);
      }
    }
  }
}

}  // namespace tsrec::sequential
