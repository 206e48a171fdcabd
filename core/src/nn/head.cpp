#include "tsrec/nn/head.hpp"

namespace tsrec::nn {
namespace {

// log p(label) = z_label - logsumexp(z), z = W h. Backward: dz = g (onehot - softmax).
struct LabelLogProb : torch::autograd::Function<LabelLogProb> {
  static torch::Tensor forward(torch::autograd::AutogradContext* ctx, const torch::Tensor& h_RD,
                               const torch::Tensor& weight_VD, const torch::Tensor& label_R,
                               int64_t chunk_rows) {
    const int64_t count = h_RD.size(0);
    torch::Tensor out_R = torch::empty({count}, h_RD.options().dtype(torch::kFloat32));
    torch::Tensor normalizer_R = torch::empty_like(out_R);
    for (int64_t begin = 0; begin < count; begin += chunk_rows) {
      const int64_t end = std::min(begin + chunk_rows, count);
      const torch::Tensor z =
          torch::matmul(h_RD.slice(0, begin, end), weight_VD.t()).to(torch::kFloat32);
      normalizer_R.slice(0, begin, end).copy_(torch::logsumexp(z, 1));
      out_R.slice(0, begin, end)
          .copy_(z.gather(1, label_R.slice(0, begin, end).unsqueeze(1)).squeeze(1));
    }
    ctx->save_for_backward({h_RD, weight_VD, label_R, normalizer_R});
    ctx->saved_data["chunk_rows"] = chunk_rows;
    return out_R - normalizer_R;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const torch::Tensor &h_RD = saved[0], &weight_VD = saved[1], &label_R = saved[2],
                        &normalizer_R = saved[3];
    const int64_t chunk_rows = ctx->saved_data["chunk_rows"].toInt(), count = h_RD.size(0);
    torch::Tensor dh_RD = torch::empty_like(h_RD), dweight_VD = torch::zeros_like(weight_VD);
    for (int64_t begin = 0; begin < count; begin += chunk_rows) {
      const int64_t end = std::min(begin + chunk_rows, count);
      const torch::Tensor h = h_RD.slice(0, begin, end);
      const torch::Tensor gradient =
          gradients[0].slice(0, begin, end).unsqueeze(1).to(torch::kFloat32);
      torch::Tensor dz = torch::matmul(h, weight_VD.t()).to(torch::kFloat32);
      dz.sub_(normalizer_R.slice(0, begin, end).unsqueeze(1)).exp_().mul_(-gradient);
      dz.scatter_add_(1, label_R.slice(0, begin, end).unsqueeze(1), gradient);
      dz = dz.to(h.scalar_type());
      dh_RD.slice(0, begin, end).copy_(torch::matmul(dz, weight_VD));
      dweight_VD.addmm_(dz.t(), h);
    }
    return {dh_RD, dweight_VD, torch::Tensor(), torch::Tensor()};
  }
};

}  // namespace

torch::Tensor logits(const Head& head, const torch::Tensor& h_RD, RowRange rows) {
  return torch::matmul(h_RD, head.weight_VD.slice(0, rows.first, rows.first + rows.count).t())
      .to(torch::kFloat32);
}

torch::Tensor log_normalizer(const Head& head, const torch::Tensor& h_RD, int64_t chunk_rows) {
  const torch::NoGradGuard no_grad;
  torch::Tensor out_R = torch::empty({h_RD.size(0)}, h_RD.options().dtype(torch::kFloat32));
  for (int64_t begin = 0; begin < h_RD.size(0); begin += chunk_rows) {
    const int64_t end = std::min(begin + chunk_rows, h_RD.size(0));
    const torch::Tensor z =
        torch::matmul(h_RD.slice(0, begin, end), head.weight_VD.t()).to(torch::kFloat32);
    out_R.slice(0, begin, end).copy_(torch::logsumexp(z, 1));
  }
  return out_R;
}

torch::Tensor label_log_prob(const Head& head, const torch::Tensor& h_RD,
                             const torch::Tensor& label_R, int64_t chunk_rows) {
  return LabelLogProb::apply(h_RD, head.weight_VD, label_R, chunk_rows);
}

}  // namespace tsrec::nn
