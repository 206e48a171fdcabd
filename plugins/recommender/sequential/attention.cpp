#include "attention.hpp"

#include <ATen/Parallel.h>
#include <torch/autograd.h>

#include "attention_kernel.hpp"

namespace tsrec::sequential {
namespace {

using Weighting = AttentionOptions::Weighting;

// Where the tokens and the pairs of every sequence begin.
struct Layout {
  Layout(const std::vector<int64_t>& offset_B1, bool is_causal) : token(offset_B1), pair{0} {
    for (size_t b = 0; b + 1 < token.size(); ++b) {
      const int64_t length = token[b + 1] - token[b];
      pair.push_back(pair.back() + pairs_before(length, length, is_causal));
    }
  }
  // see(place), sequences side by side.
  template <class See>
  void for_sequences(const See& see) const {
    at::parallel_for(0, std::ssize(token) - 1, /*grain=*/8, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b) {
        const auto s = static_cast<size_t>(b);
        see(SequencePlace{
            .first_token = token[s], .length = token[s + 1] - token[s], .first_pair = pair[s]});
      }
    });
  }
  std::vector<int64_t> token, pair;
};

AttentionInputs inputs_of(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                          const torch::Tensor& bias_P) {
  return {q.const_data_ptr<float>(), k.const_data_ptr<float>(), v.const_data_ptr<float>(),
          bias_P.defined() ? bias_P.const_data_ptr<float>() : nullptr};
}

struct JaggedAttention : torch::autograd::Function<JaggedAttention> {
  // seed and probability: of dropout.
  static torch::Tensor forward(torch::autograd::AutogradContext* ctx, const torch::Tensor& q_in,
                               const torch::Tensor& k_in, const torch::Tensor& v_in,
                               const std::optional<torch::Tensor>& bias_P,
                               const std::vector<int64_t>& offset_B1, bool is_softmax,
                               bool is_causal, double scale, double divisor, int64_t seed,
                               double probability) {
    const torch::Tensor q = q_in.contiguous(), k = k_in.contiguous(), v = v_in.contiguous();
    const torch::Tensor bias = bias_P ? bias_P->contiguous() : torch::Tensor();
    ctx->saved_data["offset"] = offset_B1;
    ctx->saved_data["is_softmax"] = is_softmax;
    ctx->saved_data["is_causal"] = is_causal;
    ctx->saved_data["scale"] = scale;
    ctx->saved_data["divisor"] = divisor;
    ctx->saved_data["seed"] = seed;
    ctx->saved_data["probability"] = probability;
    const AttentionRule rule = rule_of(*ctx, q, v);
    const Layout layout(offset_B1, is_causal);
    const torch::Tensor known_PH = torch::empty({layout.pair.back(), rule.heads});
    const torch::Tensor out = torch::zeros({q.size(0), rule.heads, rule.value_width});
    const AttentionInputs inputs = inputs_of(q, k, v, bias);
    float *known_data = known_PH.mutable_data_ptr<float>(),
          *out_data = out.mutable_data_ptr<float>();
    layout.for_sequences([&](const SequencePlace& place) {
      attention_forward(rule, place, inputs, known_data, out_data);
    });
    ctx->save_for_backward({q, k, v, bias, known_PH});
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const torch::Tensor &q = saved[0], &k = saved[1], &v = saved[2], &bias = saved[3],
                        &known_PH = saved[4];
    const AttentionRule rule = rule_of(*ctx, q, v);
    const Layout layout(ctx->saved_data["offset"].toIntVector(), rule.is_causal);
    const torch::Tensor dout = gradients[0].contiguous();
    const torch::Tensor dq = torch::zeros_like(q), dk = torch::zeros_like(k),
                        dv = torch::zeros_like(v);
    const torch::Tensor dscore_PH = torch::empty_like(known_PH);
    const AttentionInputs inputs = inputs_of(q, k, v, bias);
    const AttentionGradients of = {dq.mutable_data_ptr<float>(), dk.mutable_data_ptr<float>(),
                                   dv.mutable_data_ptr<float>(),
                                   dscore_PH.mutable_data_ptr<float>()};
    const float *known_data = known_PH.const_data_ptr<float>(),
                *dout_data = dout.const_data_ptr<float>();
    layout.for_sequences([&](const SequencePlace& place) {
      attention_backward(rule, place, inputs, known_data, dout_data, of);
    });
    const torch::Tensor none;
    return {dq,   dk,   dv,  bias.defined() ? dscore_PH.sum(1) : none, none, none, none, none,
            none, none, none};
  }

 private:
  static AttentionRule rule_of(torch::autograd::AutogradContext& ctx, const torch::Tensor& q,
                               const torch::Tensor& v) {
    const auto number = [&](const char* name) {
      return static_cast<float>(ctx.saved_data[name].toDouble());
    };
    return {.is_softmax = ctx.saved_data["is_softmax"].toBool(),
            .is_causal = ctx.saved_data["is_causal"].toBool(),
            .scale = number("scale"),
            .share = 1 / number("divisor"),
            .dropout = {.seed = static_cast<uint64_t>(ctx.saved_data["seed"].toInt()),
                        .probability = number("probability")},
            .heads = q.size(1),
            .width = q.size(2),
            .value_width = v.size(2)};
  }
};

}  // namespace

torch::Tensor of_pairs(const std::vector<int64_t>& offset_B1,
                       const std::function<int64_t(int64_t query, int64_t key)>& value) {
  const Layout layout(offset_B1, /*is_causal=*/true);
  torch::Tensor value_P = torch::empty({layout.pair.back()}, torch::kInt64);
  int64_t* values = value_P.mutable_data_ptr<int64_t>();
  layout.for_sequences([&](const SequencePlace& place) {
    int64_t* next = values + place.first_pair;
    for (int64_t query = 0; query < place.length; ++query) {
      for (int64_t key = 0; key <= query; ++key)
        *next++ = value(place.first_token + query, place.first_token + key);
    }
  });
  return value_P;
}

torch::Tensor jagged_attention(const torch::Tensor& q_THd, const torch::Tensor& k_THd,
                               const torch::Tensor& v_THe, const std::vector<int64_t>& offset_B1,
                               const AttentionOptions& options) {
  return JaggedAttention::apply(
      q_THd, k_THd, v_THe, options.bias_P.defined() ? std::optional(options.bias_P) : std::nullopt,
      offset_B1, options.weighting == Weighting::softmax, options.is_causal, options.scale,
      options.divisor, static_cast<int64_t>(options.dropout.seed),
      static_cast<double>(options.dropout.probability));
}

}  // namespace tsrec::sequential
