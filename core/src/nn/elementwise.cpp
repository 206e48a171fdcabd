#include "nn/elementwise.hpp"

#include <ATen/Parallel.h>
#include <ATen/record_function.h>
#include <torch/autograd.h>

#include <numbers>

#include "nn/element_type.hpp"
#include "nn/elementwise_kernel.hpp"
#include "nn/elementwise_operators.hpp"
#include "tsrec/nn/transfer.hpp"

namespace tsrec::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

// Rows in as many runs as there are threads: the same runs for the same number of threads.
void for_rows(int64_t rows, const std::function<void(int64_t, int64_t)>& visit) {
  constexpr int64_t kLeastRows = 64;
  at::parallel_for(0, rows, kLeastRows, visit);
}

struct RmsNorm : Function<RmsNorm> {
  static torch::Tensor forward(AutogradContext* ctx, const torch::Tensor& x_in,
                               const torch::Tensor& weight_D, double eps) {
    RECORD_USER_SCOPE("RmsNorm");
    const torch::Tensor x_TD = x_in.contiguous();
    const int64_t width = x_TD.size(1);
    torch::Tensor y_TD = torch::empty_like(x_TD), inverse_T = torch::empty({x_TD.size(0)});
    typed(x_TD, [&]<class T>(T) {
      for_rows(x_TD.size(0), [&](int64_t begin, int64_t end) {
        rms_norm_forward(in<T>(x_TD) + begin * width, in<T>(weight_D), end - begin, width,
                         static_cast<float>(eps), out<T>(y_TD) + begin * width,
                         out(inverse_T) + begin);
      });
    });
    ctx->save_for_backward({x_TD, weight_D, inverse_T});
    return y_TD;
  }
  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const torch::Tensor &x_TD = saved[0], &weight_D = saved[1], &inverse_T = saved[2];
    const torch::Tensor g_TD = gradients[0].contiguous();
    const int64_t rows = x_TD.size(0), width = x_TD.size(1);
    // Each run of rows adds to a weight gradient of its own; they are summed in order.
    const int64_t runs = at::in_parallel_region() ? 1 : at::get_num_threads();
    torch::Tensor dx_TD = torch::empty_like(x_TD), dweight_RD = torch::zeros({runs, width});
    typed(x_TD, [&]<class T>(T) {
      at::parallel_for(0, runs, 1, [&](int64_t first, int64_t last) {
        for (int64_t run = first; run < last; ++run) {
          const int64_t begin = rows * run / runs, end = rows * (run + 1) / runs;
          rms_norm_backward(in<T>(x_TD) + begin * width, in<T>(weight_D), in(inverse_T) + begin,
                            in<T>(g_TD) + begin * width, end - begin, width,
                            out<T>(dx_TD) + begin * width, out(dweight_RD) + run * width);
        }
      });
    });
    return {dx_TD, dweight_RD.sum(0).to(weight_D.scalar_type()), torch::Tensor()};
  }
};

struct SplitAndRotate : Function<SplitAndRotate> {
  static variable_list forward(AutogradContext* ctx, const torch::Tensor& qkv_in,
                               const torch::Tensor& cos_Td, const torch::Tensor& sin_Td,
                               int64_t heads, int64_t kv_heads, int64_t width) {
    RECORD_USER_SCOPE("SplitAndRotate");
    const QkvShape shape{heads, kv_heads, width};
    const torch::Tensor qkv_TD = qkv_in.contiguous();
    const int64_t rows = qkv_TD.size(0), half = width / 2;
    torch::Tensor q = torch::empty({rows, heads, width}, qkv_TD.options()),
                  k = torch::empty({rows, kv_heads, width}, qkv_TD.options());
    torch::Tensor v = torch::empty_like(k);
    typed(qkv_TD, [&]<class T>(T) {
      for_rows(rows, [&](int64_t begin, int64_t end) {
        rotate_forward(in<T>(qkv_TD) + begin * shape.all(), in(cos_Td) + begin * half,
                       in(sin_Td) + begin * half, end - begin, shape,
                       out<T>(q) + begin * shape.query(), out<T>(k) + begin * shape.key(),
                       out<T>(v) + begin * shape.key());
      });
    });
    ctx->save_for_backward({cos_Td, sin_Td});
    ctx->saved_data["heads"] = heads;
    ctx->saved_data["kv_heads"] = kv_heads;
    ctx->saved_data["width"] = width;
    ctx->saved_data["type"] = static_cast<int64_t>(qkv_TD.scalar_type());
    ctx->set_materialize_grads(false);
    return {q, k, v};
  }
  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const QkvShape shape{ctx->saved_data["heads"].toInt(), ctx->saved_data["kv_heads"].toInt(),
                         ctx->saved_data["width"].toInt()};
    const torch::Tensor &cos_Td = saved[0], &sin_Td = saved[1];
    const int64_t rows = cos_Td.size(0), half = shape.head_width / 2;
    for (torch::Tensor& gradient : gradients) {
      if (gradient.defined()) gradient = gradient.contiguous();
    }
    torch::Tensor dqkv_TD = torch::empty(
        {rows, shape.all()},
        cos_Td.options().dtype(static_cast<torch::ScalarType>(ctx->saved_data["type"].toInt())));
    typed(dqkv_TD, [&]<class T>(T) {
      const auto at = [&](size_t which, int64_t offset) {
        return gradients[which].defined() ? in<T>(gradients[which]) + offset : nullptr;
      };
      for_rows(rows, [&](int64_t begin, int64_t end) {
        rotate_backward(at(0, begin * shape.query()), at(1, begin * shape.key()),
                        at(2, begin * shape.key()), in(cos_Td) + begin * half,
                        in(sin_Td) + begin * half, end - begin, shape,
                        out<T>(dqkv_TD) + begin * shape.all());
      });
    });
    return {dqkv_TD,         torch::Tensor(), torch::Tensor(),
            torch::Tensor(), torch::Tensor(), torch::Tensor()};
  }
};

struct SwiGlu : Function<SwiGlu> {
  static torch::Tensor forward(AutogradContext* ctx, const torch::Tensor& gate_up_in) {
    RECORD_USER_SCOPE("SwiGlu");
    const torch::Tensor gate_up = gate_up_in.contiguous();
    const int64_t width = gate_up.size(1) / 2;
    torch::Tensor y = torch::empty({gate_up.size(0), width}, gate_up.options());
    typed(y, [&]<class T>(T) {
      for_rows(gate_up.size(0), [&](int64_t begin, int64_t end) {
        swiglu_forward(in<T>(gate_up) + begin * 2 * width, end - begin, width,
                       out<T>(y) + begin * width);
      });
    });
    ctx->save_for_backward({gate_up});
    return y;
  }
  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const torch::Tensor gate_up = ctx->get_saved_variables()[0], g = gradients[0].contiguous();
    const int64_t width = gate_up.size(1) / 2;
    torch::Tensor dgate_up = torch::empty_like(gate_up);
    typed(gate_up, [&]<class T>(T) {
      for_rows(gate_up.size(0), [&](int64_t begin, int64_t end) {
        swiglu_backward(in<T>(gate_up) + begin * 2 * width, in<T>(g) + begin * width, end - begin,
                        width, out<T>(dgate_up) + begin * 2 * width);
      });
    });
    return {dgate_up};
  }
};

}  // namespace

torch::Tensor rms_norm(const torch::Tensor& x_TD, const torch::Tensor& weight_D, double eps) {
  return has_kernel(x_TD) ? RmsNorm::apply(x_TD, weight_D, eps)
                          : at::rms_norm(x_TD, {weight_D.size(0)}, weight_D, eps);
}

Recomputed recomputed_rms_norm(const torch::Tensor& x_TD, const torch::Tensor& weight_D,
                               double eps) {
  return {
      rms_norm(x_TD, weight_D, eps),
      {[eps](const std::vector<torch::Tensor>& kept) { return rms_norm(kept[0], kept[1], eps); },
       {x_TD, weight_D}}};
}

namespace {

// [d/2] float64: radians a position turns.
torch::Tensor frequencies(const LmShape& shape) {
  const torch::Tensor exponent = torch::arange(shape.head_width / 2, torch::kFloat64) *
                                 (-2.0 / static_cast<double>(shape.head_width));
  const torch::Tensor plain = torch::pow(shape.rope_theta, exponent);
  const RopeScaling& scaling = shape.rope_scaling;
  if (scaling.kind.empty()) return plain;
  const torch::Tensor slow = plain / scaling.factor;
  if (scaling.kind == "linear") return slow;
  // The step between "as it was" and "slow" runs over turns within the original positions: from
  // low_frequency_factor turns and fewer (slow) to high_frequency_factor turns and more (as it
  // was).
  const torch::Tensor turns =
      static_cast<double>(scaling.original_positions) * plain / (2 * std::numbers::pi);
  const torch::Tensor kept = ((turns - scaling.low_frequency_factor) /
                              (scaling.high_frequency_factor - scaling.low_frequency_factor))
                                 .clamp(0, 1);
  return kept * plain + (1 - kept) * slow;
}

}  // namespace

Rotation rotation(const torch::Tensor& position_T, const LmShape& shape, torch::ScalarType type) {
  const torch::Tensor frequency = to_device(frequencies(shape), position_T.device());
  const torch::Tensor angle_Td = position_T.to(torch::kFloat64).unsqueeze(1) * frequency;
  const bool is_for_kernel = angle_Td.is_cpu() && type == torch::kBFloat16;
  const torch::ScalarType stored = is_for_kernel ? torch::kFloat32 : type;
  return {angle_Td.cos().to(stored), angle_Td.sin().to(stored)};
}

Qkv split_and_rotate(const torch::Tensor& qkv_TD, const Rotation& r, const LmShape& shape) {
  if (has_kernel(qkv_TD)) {
    const variable_list parts = SplitAndRotate::apply(qkv_TD, r.cos_Td, r.sin_Td, shape.heads,
                                                      shape.kv_heads, shape.head_width);
    return {parts[0], parts[1], parts[2]};
  }
  return split_and_rotate_by_operators(qkv_TD, r, shape);
}

torch::Tensor swiglu(const torch::Tensor& gate_up_T2F) {
  if (has_kernel(gate_up_T2F)) return SwiGlu::apply(gate_up_T2F);
  const auto parts = gate_up_T2F.chunk(2, 1);
  return swiglu_by_operators(parts[0], parts[1]);
}

Recomputed recomputed_swiglu(const torch::Tensor& gate_up_T2F) {
  return {swiglu(gate_up_T2F),
          {[](const std::vector<torch::Tensor>& kept) { return swiglu(kept[0]); }, {gate_up_T2F}}};
}

Recomputed recomputed_swiglu(const torch::Tensor& gate_TF, const torch::Tensor& up_TF) {
  return {
      swiglu_by_operators(gate_TF, up_TF),
      {[](const std::vector<torch::Tensor>& kept) { return swiglu_by_operators(kept[0], kept[1]); },
       {gate_TF, up_TF}}};
}

}  // namespace tsrec::nn
