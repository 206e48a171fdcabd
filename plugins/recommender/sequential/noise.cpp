#include "noise.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <torch/autograd.h>

namespace tsrec::sequential {
namespace {

torch::Tensor dropped(const torch::Tensor& x_in, const Dropout& dropout) {
  const torch::Tensor x = x_in.contiguous();
  const torch::Tensor y = torch::empty(x.sizes());
  const float* from = x.const_data_ptr<float>();
  float* to = y.mutable_data_ptr<float>();
  at::parallel_for(0, x.numel(), /*grain=*/1 << 15, [&](int64_t begin, int64_t end) {
    drop(dropout, from + begin, begin, end - begin, to + begin);
  });
  return y;
}

struct Dropped : torch::autograd::Function<Dropped> {
  static torch::Tensor forward(torch::autograd::AutogradContext* ctx, const torch::Tensor& x,
                               int64_t seed, double share) {
    ctx->saved_data["seed"] = seed;
    ctx->saved_data["share"] = share;
    return dropped(x, {static_cast<uint64_t>(seed), static_cast<float>(share)});
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 torch::autograd::variable_list gradients) {
    const Dropout dropout = {static_cast<uint64_t>(ctx->saved_data["seed"].toInt()),
                             static_cast<float>(ctx->saved_data["share"].toDouble())};
    return {dropped(gradients[0], dropout), torch::Tensor(), torch::Tensor()};
  }
};

}  // namespace

Dropout Noise::next() const {
  if (share_ == 0 || !generator_) return {};
  at::Generator generator = *generator_;
  return {.seed = at::check_generator<at::CPUGeneratorImpl>(generator)->random64(),
          .share = static_cast<float>(share_)};
}

torch::Tensor Noise::operator()(const torch::Tensor& x) const {
  const Dropout dropout = next();
  if (dropout.share == 0) return x;
  return Dropped::apply(x, static_cast<int64_t>(dropout.seed), static_cast<double>(dropout.share));
}

}  // namespace tsrec::sequential
