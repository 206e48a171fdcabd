// The element-wise steps of a decoder block, differentiable. On the CPU, in float32 and bfloat16,
// each is one pass of a kernel that computes in float32; elsewhere the same formula in LibTorch
// operators.
#pragma once

#include "nn/recomputed.hpp"
#include "tsrec/nn/causal_lm.hpp"
#include "tsrec/nn/rms_norm.hpp"

namespace tsrec::nn {

inline bool has_kernel(const torch::Tensor& x) {
  return x.is_cpu() && (x.scalar_type() == torch::kFloat32 || x.scalar_type() == torch::kBFloat16);
}

// rms_norm() as the input of a product, from x.
TSREC_API Recomputed recomputed_rms_norm(const torch::Tensor& x_TD, const torch::Tensor& weight_D,
                                         double eps);

// Rotary positions (Su et al., 2021) in the half-split layout of the Llama and Qwen families:
// cos and sin of position * theta^(-2i/d), [T, d/2]; float32 for the kernels, else of this type.
struct Rotation {
  torch::Tensor cos_Td, sin_Td;
};
TSREC_API Rotation rotation(const torch::Tensor& position_T, const LmShape& shape,
                            torch::ScalarType type);

// [T, (heads + 2 kv heads) d] -> q [T, heads, d], k and v [T, kv heads, d]; q and k rotated.
struct Qkv {
  torch::Tensor q_THd, k_THd, v_THd;
};
TSREC_API Qkv split_and_rotate(const torch::Tensor& qkv_TD, const Rotation& rotation,
                               const LmShape& shape);

// [T, 2 F] -> silu(first half) * second half (Shazeer, 2020).
TSREC_API torch::Tensor swiglu(const torch::Tensor& gate_up_T2F);
// As the input of a product, from gate and up, joined or apart (for devices without kernels).
TSREC_API Recomputed recomputed_swiglu(const torch::Tensor& gate_up_T2F);
TSREC_API Recomputed recomputed_swiglu(const torch::Tensor& gate_TF, const torch::Tensor& up_TF);

}  // namespace tsrec::nn
