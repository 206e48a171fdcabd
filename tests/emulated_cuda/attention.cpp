#include "attention.hpp"

#include "memory.hpp"

namespace tsrec::emulated_cuda {
namespace {

using at::Tensor;
using OptionalTensor = std::optional<at::Tensor>;
using OptionalInt = std::optional<int64_t>;

// Sequences behind each other in [T, heads, width]: sequence s has the queries from begin_q[s] to
// begin_q[s + 1], the keys from begin_k[s] to begin_k[s + 1]. The last query sees all of its keys,
// the one before it all but the last, and so on, if `causal`.
struct Sequences {
  const int32_t *begin_q, *begin_k;
  int64_t count;
  bool causal;
  double scale;
};

Sequences sequences(const OptionalTensor& cu_q, const OptionalTensor& cu_k, int64_t max_q,
                    int64_t max_k, bool causal, std::optional<double> scale, const Tensor& q) {
  TORCH_CHECK(cu_q && cu_k, "only packed sequences are emulated");
  TORCH_CHECK(cu_q->is_cuda() && cu_k->is_cuda() && cu_q->scalar_type() == at::kInt &&
                  cu_k->scalar_type() == at::kInt && cu_q->is_contiguous() && cu_k->is_contiguous(),
              "the starts of the sequences must be contiguous int32 on the device");
  TORCH_CHECK(cu_q->numel() == cu_k->numel(), "as many query sequences as key sequences");
  const Tensor host_q = on_host(*cu_q), host_k = on_host(*cu_k);
  const Sequences all{host_q.const_data_ptr<int32_t>(), host_k.const_data_ptr<int32_t>(),
                      cu_q->numel() - 1, causal,
                      scale.value_or(1 / std::sqrt(static_cast<double>(q.size(-1))))};
  for (int64_t s = 0; s < all.count; ++s) {
    TORCH_CHECK(all.begin_q[s + 1] - all.begin_q[s] <= max_q, "a query sequence exceeds max_q");
    TORCH_CHECK(all.begin_k[s + 1] - all.begin_k[s] <= max_k, "a key sequence exceeds max_k");
  }
  return all;
}

// One sequence, heads first, in double precision, a key head for every query head.
struct Part {
  Tensor q, k, v, share;  // share [H, Lq, Lk]: the softmax
};

Tensor heads_first(const Tensor& x_THd, int64_t begin, int64_t end, int64_t heads) {
  const Tensor part = x_THd.slice(0, begin, end).to(at::kDouble).transpose(0, 1);
  return part.repeat_interleave(heads / x_THd.size(1), 0);
}

Part part(const Sequences& all, int64_t s, const Tensor& q, const Tensor& k, const Tensor& v) {
  const int64_t heads = q.size(1);
  Part p{heads_first(q, all.begin_q[s], all.begin_q[s + 1], heads),
         heads_first(k, all.begin_k[s], all.begin_k[s + 1], heads),
         heads_first(v, all.begin_k[s], all.begin_k[s + 1], heads),
         {}};
  Tensor score = at::matmul(p.q, p.k.transpose(1, 2)) * all.scale;
  if (all.causal) {
    const int64_t length_q = p.q.size(1), length_k = p.k.size(1);
    const Tensor hidden = at::ones({length_q, length_k}, at::kBool).triu(length_k - length_q + 1);
    score.masked_fill_(hidden, -std::numeric_limits<double>::infinity());
  }
  p.share = score.softmax(2);
  return p;
}

Tensor forward(const Sequences& all, const Tensor& q, const Tensor& k, const Tensor& v) {
  Tensor out = at::empty_like(q);
  for (int64_t s = 0; s < all.count; ++s) {
    const Part p = part(all, s, q, k, v);
    out.slice(0, all.begin_q[s], all.begin_q[s + 1])
        .copy_(at::matmul(p.share, p.v).transpose(0, 1));
  }
  return out;
}

std::array<Tensor, 3> backward(const Sequences& all, const Tensor& gradient, const Tensor& q,
                               const Tensor& k, const Tensor& v) {
  Tensor dq = at::zeros_like(q), dk = at::zeros_like(k), dv = at::zeros_like(v);
  const int64_t heads = q.size(1), kv_heads = k.size(1), width = q.size(2);
  const auto add = [&](Tensor& whole, int64_t begin, int64_t end, const Tensor& of_heads) {
    const Tensor grouped = of_heads.view({kv_heads, heads / kv_heads, end - begin, width}).sum(1);
    whole.slice(0, begin, end).add_(grouped.transpose(0, 1).to(whole.scalar_type()));
  };
  for (int64_t s = 0; s < all.count; ++s) {
    const Part p = part(all, s, q, k, v);
    const Tensor dout = heads_first(gradient, all.begin_q[s], all.begin_q[s + 1], heads);
    const Tensor dshare = at::matmul(dout, p.v.transpose(1, 2));
    const Tensor dscore =
        all.scale * p.share * (dshare - (dshare * p.share).sum(2, /*keepdim=*/true));
    dq.slice(0, all.begin_q[s], all.begin_q[s + 1]).copy_(at::matmul(dscore, p.k).transpose(0, 1));
    add(dk, all.begin_k[s], all.begin_k[s + 1], at::matmul(dscore.transpose(1, 2), p.q));
    add(dv, all.begin_k[s], all.begin_k[s + 1], at::matmul(p.share.transpose(1, 2), dout));
  }
  return {dq, dk, dv};
}

void check_flash(const Tensor& q, const Tensor& k, const Tensor& v) {
  TORCH_CHECK(q.scalar_type() == at::kBFloat16 || q.scalar_type() == at::kHalf,
              "FlashAttention only supports fp16 and bf16");
  TORCH_CHECK(q.size(-1) % 8 == 0 && q.size(-1) <= 256,
              "FlashAttention wants head widths that are multiples of 8 up to 256");
  TORCH_CHECK(q.stride(-1) == 1 && k.stride(-1) == 1 && v.stride(-1) == 1,
              "FlashAttention wants contiguous heads");
  TORCH_CHECK(q.size(1) % k.size(1) == 0, "query heads must be a multiple of key heads");
}

Tensor number(int64_t value) { return to_device(at::full({}, value, at::kLong)); }

std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor> flash_forward(
    const Tensor& q, const Tensor& k, const Tensor& v, const OptionalTensor& cu_q,
    const OptionalTensor& cu_k, int64_t max_q, int64_t max_k, double dropout, bool causal, bool,
    std::optional<double> scale, OptionalInt, OptionalInt, const OptionalTensor&,
    const OptionalTensor&) {
  check_flash(q, k, v);
  TORCH_CHECK(dropout == 0, "no dropout in attention is emulated");
  const Sequences all = sequences(cu_q, cu_k, max_q, max_k, causal, scale, q);
  const Tensor log_sum = to_device(at::zeros({q.size(1), q.size(0)}));
  return {to_device(forward(all, on_host(q), on_host(k), on_host(v))), log_sum, number(0),
          number(0), to_device(at::empty({0}))};
}

std::tuple<Tensor, Tensor, Tensor> flash_backward(const Tensor& gradient, const Tensor& q,
                                                  const Tensor& k, const Tensor& v, const Tensor&,
                                                  const Tensor&, const Tensor& cu_q,
                                                  const Tensor& cu_k, int64_t max_q, int64_t max_k,
                                                  double, bool causal, const Tensor&, const Tensor&,
                                                  std::optional<double> scale, OptionalInt,
                                                  OptionalInt) {
  check_flash(q, k, v);
  const Sequences all = sequences(cu_q, cu_k, max_q, max_k, causal, scale, q);
  const auto [dq, dk, dv] = backward(all, on_host(gradient), on_host(q), on_host(k), on_host(v));
  return {to_device(dq), to_device(dk), to_device(dv)};
}

// The memory-efficient kernel: [1, T, heads, width], as many key heads as query heads.
void check_efficient(const Tensor& q, const Tensor& k, int64_t mask) {
  TORCH_CHECK(q.dim() == 4 && q.size(0) == 1 && k.size(0) == 1,
              "packed sequences are one batch row [1, T, heads, width]");
  TORCH_CHECK(q.size(2) == k.size(2), "as many key heads as query heads");
  TORCH_CHECK(q.stride(-1) == 1 && k.stride(-1) == 1, "contiguous heads");
  TORCH_CHECK(mask == 0 || mask == 2, "only no mask and the bottom-right one are emulated");
}

std::tuple<Tensor, Tensor, Tensor, Tensor, c10::SymInt, c10::SymInt> efficient_forward(
    const Tensor& q, const Tensor& k, const Tensor& v, const OptionalTensor& bias,
    const OptionalTensor& cu_q, const OptionalTensor& cu_k, OptionalInt max_q, OptionalInt max_k,
    double dropout, int64_t mask, bool log_sum, std::optional<double> scale, const OptionalTensor&,
    OptionalInt) {
  check_efficient(q, k, mask);
  TORCH_CHECK(!bias && dropout == 0 && max_q && max_k, "neither bias nor dropout is emulated");
  const Sequences all = sequences(cu_q, cu_k, *max_q, *max_k, mask == 2, scale, q);
  const Tensor out =
      forward(all, on_host(q).squeeze(0), on_host(k).squeeze(0), on_host(v).squeeze(0));
  // Without it a real backward cannot run; the emulated one asks for it, too.
  const Tensor sums = at::zeros({all.count, q.size(2), log_sum ? (*max_q + 31) / 32 * 32 : 0});
  return {to_device(out.unsqueeze(0)), to_device(sums), number(0), number(0), *max_q, *max_k};
}

std::tuple<Tensor, Tensor, Tensor, Tensor> efficient_backward(
    const Tensor& gradient, const Tensor& q, const Tensor& k, const Tensor& v,
    const OptionalTensor&, const Tensor&, const OptionalTensor& cu_q, const OptionalTensor& cu_k,
    int64_t max_q, int64_t max_k, const Tensor& sums, double, const Tensor&, const Tensor&,
    int64_t mask, bool, std::optional<double> scale, OptionalInt, OptionalInt, bool) {
  check_efficient(q, k, mask);
  TORCH_CHECK(sums.numel() > 0, "backward wants the log-sums of forward");
  const Sequences all = sequences(cu_q, cu_k, max_q, max_k, mask == 2, scale, q);
  const auto [dq, dk, dv] = backward(all, on_host(gradient).squeeze(0), on_host(q).squeeze(0),
                                     on_host(k).squeeze(0), on_host(v).squeeze(0));
  return {to_device(dq.unsqueeze(0)), to_device(dk.unsqueeze(0)), to_device(dv.unsqueeze(0)),
          Tensor()};
}

}  // namespace

void attach_attention(torch::Library& aten) {
  aten.impl("_flash_attention_forward", &flash_forward);
  aten.impl("_flash_attention_backward", &flash_backward);
  aten.impl("_efficient_attention_forward", &efficient_forward);
  aten.impl("_efficient_attention_backward", &efficient_backward);
}

}  // namespace tsrec::emulated_cuda
