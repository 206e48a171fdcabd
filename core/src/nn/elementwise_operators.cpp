#include "nn/elementwise_operators.hpp"

#include <torch/autograd.h>

namespace tsrec::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

// Turns the two halves of every head by the angle (way 1) or back (way -1).
void turn(const torch::Tensor& from_THd, const Rotation& r, double way,
          const torch::Tensor& to_THd) {
  const torch::Tensor cos_T1d = r.cos_Td.unsqueeze(1), sin_T1d = r.sin_Td.unsqueeze(1);
  const auto from = from_THd.chunk(2, -1);
  auto to = to_THd.chunk(2, -1);
  at::mul_out(to[0], from[0], cos_T1d).addcmul_(from[1], sin_T1d, -way);
  at::mul_out(to[1], from[1], cos_T1d).addcmul_(from[0], sin_T1d, way);
}

// Queries, keys and values of a [T, (heads + 2 kv heads) d] tensor, where they lie.
Qkv parts_of(const torch::Tensor& qkv_TD, int64_t heads, int64_t kv_heads) {
  const int64_t width = qkv_TD.size(1) / (heads + 2 * kv_heads);
  const torch::Tensor all_THd = qkv_TD.view({-1, heads + 2 * kv_heads, width});
  return {all_THd.slice(1, 0, heads), all_THd.slice(1, heads, heads + kv_heads),
          all_THd.slice(1, heads + kv_heads)};
}

struct PlainSplitAndRotate : Function<PlainSplitAndRotate> {
  static variable_list forward(AutogradContext* ctx, const torch::Tensor& qkv_in,
                               const torch::Tensor& cos_Td, const torch::Tensor& sin_Td,
                               int64_t heads, int64_t kv_heads) {
    const auto [q, k, v] = parts_of(qkv_in.contiguous(), heads, kv_heads);
    const torch::Tensor turned_q = torch::empty(q.sizes(), q.options()),
                        turned_k = torch::empty(k.sizes(), k.options());
    turn(q, {cos_Td, sin_Td}, 1, turned_q);
    turn(k, {cos_Td, sin_Td}, 1, turned_k);
    ctx->save_for_backward({cos_Td, sin_Td});
    ctx->saved_data["heads"] = heads;
    ctx->saved_data["kv_heads"] = kv_heads;
    return {turned_q, turned_k, v.clone(at::MemoryFormat::Contiguous)};
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const int64_t heads = ctx->saved_data["heads"].toInt(),
                  kv_heads = ctx->saved_data["kv_heads"].toInt();
    const torch::Tensor &dq = gradients[0], &dk = gradients[1], &dv = gradients[2];
    const torch::Tensor dqkv_TD =
        torch::empty({dq.size(0), (heads + 2 * kv_heads) * dq.size(2)}, dq.options());
    const auto [q, k, v] = parts_of(dqkv_TD, heads, kv_heads);
    turn(dq, {saved[0], saved[1]}, -1, q);
    turn(dk, {saved[0], saved[1]}, -1, k);
    v.copy_(dv);
    return {dqkv_TD, torch::Tensor(), torch::Tensor(), torch::Tensor(), torch::Tensor()};
  }
};

struct PlainSwiGlu : Function<PlainSwiGlu> {
  static torch::Tensor forward(AutogradContext* ctx, const torch::Tensor& gate_TF,
                               const torch::Tensor& up_TF) {
    ctx->save_for_backward({gate_TF, up_TF});
    return at::silu(gate_TF).mul_(up_TF);
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const torch::Tensor &gate_TF = saved[0], &up_TF = saved[1], &g_TF = gradients[0];
    return {at::silu_backward(g_TF * up_TF, gate_TF), at::silu(gate_TF).mul_(g_TF)};
  }
};

}  // namespace

Qkv split_and_rotate_by_operators(const torch::Tensor& qkv_TD, const Rotation& r,
                                  const LmShape& shape) {
  const variable_list parts =
      PlainSplitAndRotate::apply(qkv_TD, r.cos_Td, r.sin_Td, shape.heads, shape.kv_heads);
  return {parts[0], parts[1], parts[2]};
}

torch::Tensor swiglu_by_operators(const torch::Tensor& gate_TF, const torch::Tensor& up_TF) {
  return PlainSwiGlu::apply(gate_TF, up_TF);
}

torch::Tensor kept_scale(const torch::Tensor& like, const DropoutMask& mask) {
  constexpr int64_t kLow = 0xFFFFFFFF;
  const auto times = [](const torch::Tensor& h, int64_t factor) {
    return (h * factor).bitwise_and_(kLow);
  };
  const auto mixed = [](const torch::Tensor& h, int64_t shift) {
    return h.bitwise_xor(h.bitwise_right_shift(shift));
  };
  torch::Tensor h = torch::arange(like.numel(), like.options().dtype(torch::kInt64));
  h = times(h.bitwise_and_(kLow), 0x9E3779B1).bitwise_xor_(static_cast<int64_t>(mask.seed) & kLow);
  h = times(mixed(h, 16), 0x85EBCA6B);
  h = times(mixed(h, 13), 0xC2B2AE35).bitwise_xor_(static_cast<int64_t>(mask.seed >> 32));
  h = times(mixed(h, 16), 0x7FEB352D);
  h = times(mixed(h, 15), 0x846CA68B);
  const auto limit = static_cast<double>(mask.probability);
  const torch::Tensor uniform = mixed(h, 16).bitwise_right_shift_(8).to(torch::kFloat32) * 0x1p-24;
  const torch::Tensor is_kept = uniform.ge_(limit).view(like.sizes());
  return is_kept.to(like.scalar_type()).div_(1 - limit);
}

}  // namespace tsrec::nn
