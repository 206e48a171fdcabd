#include "nn/varlen_attention.hpp"

namespace tsrec::nn {
namespace {

bool fits_flash(const torch::Tensor& q_THd) {
  const bool is_half =
      q_THd.scalar_type() == torch::kBFloat16 || q_THd.scalar_type() == torch::kFloat16;
  return is_half && q_THd.size(2) % 8 == 0 && q_THd.size(2) <= 256;
}

}  // namespace

// Both operators begin with an underscore: LibTorch may change them. What is passed here has been
// the same since 2.6; what follows it has defaults.
torch::Tensor varlen_attention(const torch::Tensor& q_THd, const torch::Tensor& k_KHd,
                               const torch::Tensor& v_KHd, const Sequences& sequences) {
  if (fits_flash(q_THd)) {
    return std::get<0>(at::_flash_attention_forward(
        q_THd, k_KHd, v_KHd, sequences.begin_q, sequences.begin_k, sequences.longest_q,
        sequences.longest_k, /*dropout_p=*/0, /*is_causal=*/true, /*return_debug_mask=*/false));
  }
  constexpr int64_t kCausalFromBottomRight = 2;
  const int64_t group = q_THd.size(1) / k_KHd.size(1);
  const auto for_each_query_head = [&](const torch::Tensor& x) {
    return x.repeat_interleave(group, 1).unsqueeze(0);
  };
  return std::get<0>(at::_efficient_attention_forward(
                         q_THd.unsqueeze(0), for_each_query_head(k_KHd), for_each_query_head(v_KHd),
                         /*bias=*/{}, sequences.begin_q, sequences.begin_k, sequences.longest_q,
                         sequences.longest_k,
                         /*dropout_p=*/0, kCausalFromBottomRight,
                         /*compute_log_sumexp=*/torch::GradMode::is_enabled()))
      .squeeze(0);
}

}  // namespace tsrec::nn
