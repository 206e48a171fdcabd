#include "attention.hpp"

#include <ATen/Parallel.h>
#include <torch/autograd.h>

#include <cmath>

namespace tsrec::sequential {
namespace {

using Weighting = AttentionOptions::Weighting;

float product(const float* a, const float* b, int64_t width) {
  constexpr int64_t kLanes = 8;  // sums side by side, which the compiler can keep in registers
  std::array<float, kLanes> sum = {};
  int64_t d = 0;
  for (; d + kLanes <= width; d += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane)
      sum[static_cast<size_t>(lane)] += a[d + lane] * b[d + lane];
  }
  float rest = 0;
  for (; d < width; ++d) rest += a[d] * b[d];
  for (const float part : sum) rest += part;
  return rest;
}

void add_scaled(float* sum, float factor, const float* x, int64_t width) {
  for (int64_t d = 0; d < width; ++d) sum[d] += factor * x[d];
}

float sigmoid(float s) { return 1 / (1 + std::exp(-s)); }

// Where the tokens and the pairs of every sequence begin.
struct Layout {
  explicit Layout(const std::vector<int64_t>& offset_B1) : token(offset_B1), pair{0} {
    for (size_t b = 0; b + 1 < token.size(); ++b) {
      const int64_t length = token[b + 1] - token[b];
      pair.push_back(pair.back() + length * (length + 1) / 2);
    }
  }
  int64_t size() const { return static_cast<int64_t>(token.size()) - 1; }
  // see(query, key, pair), sequences side by side.
  template <class See>
  void for_queries(const See& see) const {
    at::parallel_for(0, size(), /*grain=*/8, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b) {
        const auto s = static_cast<size_t>(b);
        int64_t first_pair = pair[s];
        for (int64_t query = token[s]; query < token[s + 1]; ++query) {
          const int64_t num_keys = query - token[s] + 1;
          see(query, /*first_key=*/token[s], num_keys, first_pair);
          first_pair += num_keys;
        }
      }
    });
  }
  std::vector<int64_t> token, pair;
};

struct JaggedAttention : torch::autograd::Function<JaggedAttention> {
  static torch::Tensor forward(torch::autograd::AutogradContext* ctx, const torch::Tensor& q_in,
                               const torch::Tensor& k_in, const torch::Tensor& v_in,
                               const std::optional<torch::Tensor>& bias_P,
                               const std::optional<torch::Tensor>& kept,
                               const std::vector<int64_t>& offset_B1, bool is_softmax, double scale,
                               double divisor) {
    const torch::Tensor q = q_in.contiguous(), k = k_in.contiguous(), v = v_in.contiguous();
    const torch::Tensor bias = bias_P ? bias_P->contiguous() : torch::Tensor();
    const torch::Tensor kept_PH = kept.value_or(torch::Tensor());
    const Layout layout(offset_B1);
    const int64_t heads = q.size(1), width = q.size(2), value_width = v.size(2);
    // Of softmax the weights, of silu the scores: what backward needs.
    const torch::Tensor known_PH = torch::empty({layout.pair.back(), heads});
    const torch::Tensor out = torch::zeros({q.size(0), heads, value_width});
    const float *q_data = q.const_data_ptr<float>(), *k_data = k.const_data_ptr<float>(),
                *v_data = v.const_data_ptr<float>();
    const float* bias_data = bias.defined() ? bias.const_data_ptr<float>() : nullptr;
    const float* kept_data = kept_PH.defined() ? kept_PH.const_data_ptr<float>() : nullptr;
    float *known_data = known_PH.mutable_data_ptr<float>(),
          *out_data = out.mutable_data_ptr<float>();
    const auto factor = static_cast<float>(scale), share = static_cast<float>(1 / divisor);
    layout.for_queries([&](int64_t query, int64_t first_key, int64_t num_keys, int64_t first_pair) {
      for (int64_t h = 0; h < heads; ++h) {
        const auto pair = [&](int64_t j) { return (first_pair + j) * heads + h; };
        const auto token = [&](int64_t j) { return (first_key + j) * heads + h; };
        float highest = -std::numeric_limits<float>::infinity(), sum = 0;
        for (int64_t j = 0; j < num_keys; ++j) {
          const float score = factor * product(q_data + (query * heads + h) * width,
                                               k_data + token(j) * width, width) +
                              (bias_data != nullptr ? bias_data[first_pair + j] : 0);
          known_data[pair(j)] = score;
          highest = std::max(highest, score);
        }
        if (is_softmax) {
          for (int64_t j = 0; j < num_keys; ++j)
            sum += known_data[pair(j)] = std::exp(known_data[pair(j)] - highest);
          for (int64_t j = 0; j < num_keys; ++j) known_data[pair(j)] /= sum;
        }
        for (int64_t j = 0; j < num_keys; ++j) {
          const float known = known_data[pair(j)];
          const float weight = is_softmax ? known : known * sigmoid(known) * share;
          add_scaled(out_data + (query * heads + h) * value_width,
                     weight * (kept_data != nullptr ? kept_data[pair(j)] : 1),
                     v_data + token(j) * value_width, value_width);
        }
      }
    });
    ctx->save_for_backward({q, k, v, bias, kept_PH, known_PH});
    ctx->saved_data["offset"] = offset_B1;
    ctx->saved_data["is_softmax"] = is_softmax;
    ctx->saved_data["scale"] = scale;
    ctx->saved_data["divisor"] = divisor;
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const torch::Tensor &q = saved[0], &k = saved[1], &v = saved[2], &bias = saved[3],
                        &kept_PH = saved[4], &known_PH = saved[5];
    const bool is_softmax = ctx->saved_data["is_softmax"].toBool();
    const auto factor = static_cast<float>(ctx->saved_data["scale"].toDouble()),
               share = static_cast<float>(1 / ctx->saved_data["divisor"].toDouble());
    const Layout layout(ctx->saved_data["offset"].toIntVector());
    const int64_t heads = q.size(1), width = q.size(2), value_width = v.size(2);
    const torch::Tensor dout = gradients[0].contiguous();
    const torch::Tensor dq = torch::zeros_like(q), dk = torch::zeros_like(k),
                        dv = torch::zeros_like(v);
    const torch::Tensor dscore_PH = torch::empty_like(known_PH);
    const float *q_data = q.const_data_ptr<float>(), *k_data = k.const_data_ptr<float>(),
                *v_data = v.const_data_ptr<float>(), *known_data = known_PH.const_data_ptr<float>(),
                *dout_data = dout.const_data_ptr<float>();
    const float* kept_data = kept_PH.defined() ? kept_PH.const_data_ptr<float>() : nullptr;
    float *dq_data = dq.mutable_data_ptr<float>(), *dk_data = dk.mutable_data_ptr<float>(),
          *dv_data = dv.mutable_data_ptr<float>(),
          *dscore_data = dscore_PH.mutable_data_ptr<float>();
    layout.for_queries([&](int64_t query, int64_t first_key, int64_t num_keys, int64_t first_pair) {
      for (int64_t h = 0; h < heads; ++h) {
        const auto pair = [&](int64_t j) { return (first_pair + j) * heads + h; };
        const auto token = [&](int64_t j) { return (first_key + j) * heads + h; };
        const float* dout_query = dout_data + (query * heads + h) * value_width;
        float weighted = 0;  // of softmax: the sum of weights times their gradients
        for (int64_t j = 0; j < num_keys; ++j) {
          const float known = known_data[pair(j)];
          const float gate = is_softmax ? 0 : sigmoid(known);
          const float weight = is_softmax ? known : known * gate * share;
          const float kept = kept_data != nullptr ? kept_data[pair(j)] : 1;
          add_scaled(dv_data + token(j) * value_width, weight * kept, dout_query, value_width);
          const float dweight =
              kept * product(dout_query, v_data + token(j) * value_width, value_width);
          weighted += weight * dweight;
          dscore_data[pair(j)] =
              is_softmax ? dweight : dweight * share * gate * (1 + known * (1 - gate));
        }
        for (int64_t j = 0; j < num_keys; ++j) {
          float& dscore = dscore_data[pair(j)];
          if (is_softmax) dscore = known_data[pair(j)] * (dscore - weighted);
          add_scaled(dq_data + (query * heads + h) * width, factor * dscore,
                     k_data + token(j) * width, width);
          add_scaled(dk_data + token(j) * width, factor * dscore,
                     q_data + (query * heads + h) * width, width);
        }
      }
    });
    const torch::Tensor none;
    return {dq, dk, dv, bias.defined() ? dscore_PH.sum(1) : none, none, none, none, none, none};
  }
};

}  // namespace

int64_t num_pairs(const std::vector<int64_t>& offset_B1) { return Layout(offset_B1).pair.back(); }

torch::Tensor pair_distances(const std::vector<int64_t>& offset_B1) {
  const Layout layout(offset_B1);
  torch::Tensor distance_P = torch::empty({layout.pair.back()}, torch::kInt64);
  int64_t* distance = distance_P.mutable_data_ptr<int64_t>();
  layout.for_queries([&](int64_t, int64_t, int64_t num_keys, int64_t first_pair) {
    for (int64_t j = 0; j < num_keys; ++j) distance[first_pair + j] = num_keys - 1 - j;
  });
  return distance_P;
}

torch::Tensor jagged_attention(const torch::Tensor& q_THd, const torch::Tensor& k_THd,
                               const torch::Tensor& v_THe, const std::vector<int64_t>& offset_B1,
                               const AttentionOptions& options) {
  const auto if_any = [](const torch::Tensor& x) {
    return x.defined() ? std::optional(x) : std::nullopt;
  };
  return JaggedAttention::apply(
      q_THd, k_THd, v_THe, if_any(options.bias_P), if_any(options.kept_PH), offset_B1,
      options.weighting == Weighting::softmax, options.scale, options.divisor);
}

}  // namespace tsrec::sequential
