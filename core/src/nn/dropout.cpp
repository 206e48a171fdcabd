#include "tsrec/nn/dropout.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/record_function.h>
#include <torch/autograd.h>

#include "nn/element_type.hpp"
#include "nn/elementwise.hpp"
#include "nn/elementwise_kernel.hpp"
#include "nn/elementwise_operators.hpp"

namespace tsrec::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

constexpr int64_t kDroppedAtOnce = 1 << 13;

torch::Tensor dropped(const torch::Tensor& x_in, const DropoutMask& mask) {
  if (!has_kernel(x_in)) return x_in * kept_scale(x_in, mask);
  const torch::Tensor x = x_in.contiguous(), y = torch::empty(x.sizes(), x.options());
  typed(x, [&]<class T>(T) {
    const T* from = in<T>(x);
    T* to = out<T>(y);
    at::parallel_for(0, x.numel(), kDroppedAtOnce, [&](int64_t begin, int64_t end) {
      drop(from + begin, begin, end - begin, mask, to + begin);
    });
  });
  return y;
}

// Of a step's graph: the mask that the backward drops by.
void keep(const DropoutMask& mask, AutogradContext& ctx) {
  ctx.saved_data["seed"] = static_cast<int64_t>(mask.seed);
  ctx.saved_data["probability"] = static_cast<double>(mask.probability);
}
DropoutMask kept(const AutogradContext& ctx) {
  return {static_cast<uint64_t>(ctx.saved_data.at("seed").toInt()),
          static_cast<float>(ctx.saved_data.at("probability").toDouble())};
}
DropoutMask mask_of(int64_t seed, double probability) {
  return {static_cast<uint64_t>(seed), static_cast<float>(probability)};
}

struct Dropped : Function<Dropped> {
  static torch::Tensor forward(AutogradContext* ctx, const torch::Tensor& x, int64_t seed,
                               double probability) {
    RECORD_USER_SCOPE("Dropped");
    const DropoutMask mask = mask_of(seed, probability);
    keep(mask, *ctx);
    return dropped(x, mask);
  }
  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    return {dropped(gradients[0], kept(*ctx)), torch::Tensor(), torch::Tensor()};
  }
};

struct DroppedSum : Function<DroppedSum> {
  static torch::Tensor forward(AutogradContext* ctx, const torch::Tensor& x_in,
                               const torch::Tensor& branch_in, int64_t seed, double probability) {
    RECORD_USER_SCOPE("DroppedSum");
    const DropoutMask mask = mask_of(seed, probability);
    keep(mask, *ctx);
    if (!has_kernel(x_in)) return x_in + branch_in * kept_scale(branch_in, mask);
    const torch::Tensor x = x_in.contiguous(), branch = branch_in.contiguous();
    torch::Tensor y = torch::empty_like(x);
    typed(x, [&]<class T>(T) {
      const T *whole = in<T>(x), *part = in<T>(branch);
      T* to = out<T>(y);
      at::parallel_for(0, x.numel(), kDroppedAtOnce, [&](int64_t begin, int64_t end) {
        add_dropped(whole + begin, part + begin, begin, end - begin, mask, to + begin);
      });
    });
    return y;
  }
  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    return {gradients[0], dropped(gradients[0], kept(*ctx)), torch::Tensor(), torch::Tensor()};
  }
};

}  // namespace

DropoutMask Dropout::next() const {
  if (probability_ == 0 || !generator_) return {};
  at::Generator generator = *generator_;
  return {.seed = at::check_generator<at::CPUGeneratorImpl>(generator)->random64(),
          .probability = static_cast<float>(probability_)};
}

torch::Tensor Dropout::operator()(const torch::Tensor& x) const {
  const DropoutMask mask = next();
  if (mask.probability == 0) return x;
  return Dropped::apply(x, static_cast<int64_t>(mask.seed), static_cast<double>(mask.probability));
}

torch::Tensor Dropout::sum(const torch::Tensor& x_TD, const torch::Tensor& branch_TD) const {
  const DropoutMask mask = next();
  if (mask.probability == 0) return x_TD + branch_TD;
  return DroppedSum::apply(x_TD, branch_TD, static_cast<int64_t>(mask.seed),
                           static_cast<double>(mask.probability));
}

}  // namespace tsrec::nn
