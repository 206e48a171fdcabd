#include "tsrec/nn/gru.hpp"

#include <ATen/Parallel.h>
#include <ATen/record_function.h>
#include <torch/autograd.h>

#include "nn/element_type.hpp"
#include "nn/gru_kernel.hpp"
#include "tsrec/product.hpp"

namespace tsrec::nn {
namespace {

// The tokens of one time.
struct Moment {
  int64_t first, rows;
  int64_t before;  // the first row's state one time earlier; of the first time none
  torch::Tensor of(const torch::Tensor& x) const { return x.slice(0, first, first + rows); }
  torch::Tensor before_of(const torch::Tensor& x) const {
    return x.slice(0, before, before + rows);
  }
};

std::vector<Moment> moments_of(const std::vector<int64_t>& running_L) {
  std::vector<Moment> moments;
  for (const int64_t rows : running_L) {
    const int64_t before = moments.empty() ? 0 : moments.back().first;
    const int64_t first = moments.empty() ? 0 : before + moments.back().rows;
    moments.push_back({first, rows, before});
  }
  return moments;
}

constexpr int64_t kGrain = 32;  // sequences

// work(the sequences first .. first + shape.rows - 1), side by side.
template <class Work>
void for_sequences(int64_t rows, int64_t width, const Work& work) {
  at::parallel_for(0, rows, kGrain, [&](int64_t begin, int64_t end) {
    work(GruShape{end - begin, width}, begin);
  });
}

struct Gru : torch::autograd::Function<Gru> {
  static torch::Tensor forward(torch::autograd::AutogradContext* ctx, const torch::Tensor& input_in,
                               const torch::Tensor& weight_GD, const torch::Tensor& bias_in,
                               const std::vector<int64_t>& running_L) {
    const torch::Tensor input_TG = input_in.contiguous(), bias_G = bias_in.contiguous();
    const int64_t width = weight_GD.size(1), tokens = input_TG.size(0);
    const auto options = input_TG.options().requires_grad(false);
    const torch::Tensor h_TD = torch::empty({tokens, width}, options),
                        kept_TK = torch::empty({tokens, 4 * width}, options);
    const torch::Tensor memory_BG = torch::empty({running_L.front(), 3 * width}, options);
    torch::Tensor before_BD = torch::zeros({running_L.front(), width}, options),
                  product_BG = torch::zeros({running_L.front(), 3 * width}, options);
    for (const Moment& now : moments_of(running_L)) {
      if (now.first > 0) {
        before_BD = now.before_of(h_TD);
        product_BG = linear_product_in(memory_BG.slice(0, 0, now.rows), before_BD, weight_GD);
      }
      const float *input = in(input_TG) + now.first * 3 * width, *product = in(product_BG),
                  *bias = in(bias_G), *before = in(before_BD);
      float *kept = out(kept_TK) + now.first * 4 * width, *h = out(h_TD) + now.first * width;
      for_sequences(now.rows, width, [&](const GruShape& shape, int64_t b) {
        gru_forward(shape, input + b * 3 * width, product + b * 3 * width, bias, before + b * width,
                    kept + b * 4 * width, h + b * width);
      });
    }
    ctx->save_for_backward({weight_GD, kept_TK, h_TD});
    ctx->saved_data["running"] = running_L;
    return h_TD;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const torch::Tensor &weight_GD = saved[0], &kept_TK = saved[1], &h_TD = saved[2];
    const std::vector<Moment> moments = moments_of(ctx->saved_data["running"].toIntVector());
    const int64_t width = weight_GD.size(1), starts = moments.front().rows;
    const torch::Tensor dh_TD = gradients[0].clone(at::MemoryFormat::Contiguous);
    const torch::Tensor dinput_TG = torch::empty({h_TD.size(0), 3 * width}, h_TD.options()),
                        dproduct_TG = torch::empty_like(dinput_TG);
    const torch::Tensor start_BD = torch::zeros({starts, width}, h_TD.options());
    for (auto now = moments.rbegin(); now != moments.rend(); ++now) {
      const float *kept = in(kept_TK) + now->first * 4 * width,
                  *before = now->first > 0 ? in(h_TD) + now->before * width : in(start_BD);
      float *dh = out(dh_TD) + now->first * width,
            *dinput = out(dinput_TG) + now->first * 3 * width,
            *dproduct = out(dproduct_TG) + now->first * 3 * width;
      for_sequences(now->rows, width, [&](const GruShape& shape, int64_t b) {
        gru_backward(shape, kept + b * 4 * width, before + b * width, dh + b * width,
                     dinput + b * 3 * width, dproduct + b * 3 * width);
      });
      if (now->first == 0) continue;
      torch::Tensor dbefore_BD = now->before_of(dh_TD);
      dbefore_BD.add_(now->of(dh_TD));
      add_product(dbefore_BD, now->of(dproduct_TG), weight_GD);
    }
    return {dinput_TG, weight_gradient(moments, dproduct_TG, h_TD), dproduct_TG.sum(0),
            torch::Tensor()};
  }

  // Of all times in one product.
  static torch::Tensor weight_gradient(const std::vector<Moment>& moments,
                                       const torch::Tensor& dproduct_TG,
                                       const torch::Tensor& h_TD) {
    const int64_t starts = moments.front().rows;
    std::vector<int64_t> before;  // of every token but the first ones
    for (const Moment& now : std::span(moments).subspan(1)) {
      for (int64_t b = 0; b < now.rows; ++b) before.push_back(now.before + b);
    }
    if (before.empty()) return torch::zeros({dproduct_TG.size(1), h_TD.size(1)}, h_TD.options());
    const torch::Tensor before_SD = h_TD.index_select(0, torch::tensor(before, torch::kInt64));
    return linear_product(dproduct_TG.slice(0, starts).t(), before_SD.t());
  }
};

}  // namespace

torch::Tensor gru(const torch::Tensor& input_TG, const torch::Tensor& weight_GD,
                  const torch::Tensor& bias_G, const std::vector<int64_t>& running_L) {
  RECORD_USER_SCOPE("Gru");
  return Gru::apply(input_TG, weight_GD, bias_G, running_L);
}

}  // namespace tsrec::nn
