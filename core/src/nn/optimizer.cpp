#include "tsrec/nn/optimizer.hpp"

#include <ATen/Parallel.h>
#include <ATen/record_function.h>

#include <cmath>

#include "nn/element_type.hpp"
#include "nn/elementwise.hpp"
#include "nn/elementwise_kernel.hpp"

namespace tsrec::nn {

namespace {

constexpr int64_t kRun = 1 << 16;  // numbers that one thread handles at once

// Runs are summed in their order, so that the result does not depend on the number of threads.
double norm_of(const torch::Tensor& x) {
  if (!has_kernel(x)) {
    const torch::Tensor norm = at::linalg_vector_norm(x, /*ord=*/2, /*dim=*/std::nullopt,
                                                      /*keepdim=*/false, torch::kFloat64);
    return norm.item<double>();
  }
  const int64_t count = x.numel(), runs = (count + kRun - 1) / kRun;
  std::vector<double> sums(static_cast<size_t>(runs));
  typed(x, [&]<class T>(T) {
    at::parallel_for(0, runs, 1, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r)
        sums[static_cast<size_t>(r)] =
            sum_of_squares(in<T>(x) + r * kRun, std::min(kRun, count - r * kRun));
    });
  });
  double sum = 0;
  for (const double part : sums) sum += part;
  return std::sqrt(sum);
}

}  // namespace

FlatParameters::FlatParameters(std::vector<Parameter> parameters)
    : parameters_(std::move(parameters)) {
  const torch::NoGradGuard no_grad;
  int64_t total = 0;
  for (const Parameter& parameter : parameters_) total += parameter.value.numel();
  if (parameters_.empty() || total == 0) throw Error("there are no parameters to train");
  const auto options = parameters_.front().value.options().requires_grad(false);
  value_ = torch::empty({total}, options);
  gradient_ = torch::zeros({total}, options);
  int64_t at = 0;
  for (Parameter& parameter : parameters_) {
    const int64_t count = parameter.value.numel();
    const torch::Tensor place = value_.slice(0, at, at + count).view(parameter.value.sizes());
    place.copy_(parameter.value);
    parameter.value.set_data(place);
    parameter.value.mutable_grad() =
        gradient_.slice(0, at, at + count).view(parameter.value.sizes());
    at += count;
  }
}

void FlatParameters::zero_gradient() { gradient_.zero_(); }

double FlatParameters::clip(double max_norm) {
  RECORD_USER_SCOPE("FlatParameters");
  const double norm = norm_of(gradient_);
  if (std::isfinite(norm) && norm > max_norm) gradient_.mul_(max_norm / norm);
  return norm;
}

AdamW::AdamW(FlatParameters& parameters, const AdamWOptions& options)
    : parameters_(parameters), options_(options) {
  const torch::NoGradGuard no_grad;
  // The same memory when it has that type already.
  master_ = options.float32_state ? parameters.value().to(torch::kFloat32) : parameters.value();
  m_ = torch::zeros_like(master_);
  v_ = torch::zeros_like(master_);
}

void AdamW::step(double learning_rate) {
  RECORD_USER_SCOPE("AdamW");
  const torch::NoGradGuard no_grad;
  ++steps_;
  if (options_.weight_decay > 0) {
    int64_t at = 0;
    for (const Parameter& parameter : parameters_.parameters()) {
      const int64_t count = parameter.value.numel();
      if (parameter.decays)
        master_.slice(0, at, at + count).mul_(1 - learning_rate * options_.weight_decay);
      at += count;
    }
  }
  const torch::Tensor gradient = parameters_.gradient();
  const bool has_own_master = !master_.is_alias_of(parameters_.value());
  const auto steps = static_cast<double>(steps_);
  if (has_kernel(gradient) && master_.scalar_type() == torch::kFloat32) {
    const auto real = [](double x) { return static_cast<float>(x); };
    const AdamWStep step{.rate = real(learning_rate),
                         .beta1 = real(options_.beta1),
                         .beta2 = real(options_.beta2),
                         .fresh1 = real(1 - options_.beta1),
                         .fresh2 = real(1 - options_.beta2),
                         .eps = real(options_.eps),
                         .correction1 = real(1 - std::pow(options_.beta1, steps)),
                         .correction2 = real(1 - std::pow(options_.beta2, steps))};
    typed(gradient, [&]<class T>(T) {
      T* rounded = has_own_master ? out<T>(parameters_.value()) : nullptr;
      at::parallel_for(0, master_.numel(), kRun, [&](int64_t begin, int64_t end) {
        adamw_update(step, in<T>(gradient) + begin, end - begin, out(master_) + begin,
                     out(m_) + begin, out(v_) + begin,
                     rounded == nullptr ? nullptr : rounded + begin);
      });
    });
    return;
  }
  const torch::Tensor count = torch::full({}, steps, master_.options().dtype(torch::kFloat32));
  at::_fused_adamw_(master_, gradient.to(master_.scalar_type()), m_, v_, /*max_exp_avg_sqs=*/{},
                    count, learning_rate, options_.beta1, options_.beta2, /*weight_decay=*/0,
                    options_.eps, /*amsgrad=*/false, /*maximize=*/false);
  if (has_own_master) parameters_.value().copy_(master_);
}

void AdamW::save(ArtifactWriter& writer) const {
  writer.view("adamw.master", master_);
  writer.view("adamw.m", m_);
  writer.view("adamw.v", v_);
  writer.number("adamw.steps", static_cast<double>(steps_));
}

void AdamW::load(const ArtifactReader& reader) {
  const torch::NoGradGuard no_grad;
  if (reader.tensor("adamw.m").numel() != m_.numel()) {
    throw DataError("the optimizer state is of a model with ", reader.tensor("adamw.m").numel(),
                    " parameters; this one has ", m_.numel());
  }
  master_.copy_(reader.tensor("adamw.master"));
  m_.copy_(reader.tensor("adamw.m"));
  v_.copy_(reader.tensor("adamw.v"));
  steps_ = static_cast<int64_t>(reader.number("adamw.steps"));
  if (!master_.is_alias_of(parameters_.value())) parameters_.value().copy_(master_);
}

double Schedule::at(int64_t step, int64_t num_steps) const {
  if (step < warmup) return static_cast<double>(step) / static_cast<double>(warmup);
  const double length = static_cast<double>(std::max<int64_t>(1, num_steps - warmup));
  const double done = std::min(1.0, static_cast<double>(step - warmup) / length);
  if (shape == "linear") return 1 - done;
  if (shape == "cosine") return floor + (1 - floor) * 0.5 * (1 + std::cos(M_PI * done));
  if (shape == "constant") return 1;
  throw ConfigError("there is no learning-rate schedule '", shape,
                    "'; the schedules are linear, cosine and constant");
}

}  // namespace tsrec::nn
