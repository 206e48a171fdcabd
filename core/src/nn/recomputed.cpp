#include "nn/recomputed.hpp"

#include <torch/autograd.h>

#include "nn/leaf_gradient.hpp"
#include "tsrec/product.hpp"

namespace tsrec::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Holder : torch::CustomClassHolder {
  explicit Holder(Recipe::ValueOf v) : value_of(std::move(v)) {}
  Recipe::ValueOf value_of;
};

// The tensors of a recipe are saved as any others: autograd drops them behind backward, and notices
// when somebody has changed one.
struct RecomputedProduct : torch::autograd::Function<RecomputedProduct> {
  static torch::Tensor forward(AutogradContext* ctx, const torch::Tensor& x_TI,
                               const torch::Tensor& weight_OI,
                               const std::optional<torch::Tensor>& bias_O, const Recipe& recipe) {
    variable_list saved = recipe.kept;
    saved.push_back(weight_OI);
    ctx->save_for_backward(std::move(saved));
    ctx->saved_data["value_of"] = recipe.saved();
    ctx->saved_data["has_bias"] = bias_O.has_value();
    return linear_product(x_TI, weight_OI, bias_O.value_or(torch::Tensor()));
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    variable_list kept = ctx->get_saved_variables();
    const torch::Tensor weight_OI = kept.back(), &dy_TO = gradients[0];
    kept.pop_back();
    torch::Tensor dx_TI, dweight_OI, dbias_O;
    if (ctx->needs_input_grad(0)) dx_TI = linear_product(dy_TO, weight_OI.t());
    if (ctx->needs_input_grad(1)) {
      const torch::Tensor x_TI = Recipe::restored(ctx->saved_data["value_of"])(kept);
      const LeafGradient gradient_OI(weight_OI);
      torch::Tensor sum_OI = gradient_OI.sum();
      add_product(sum_OI, dy_TO.t(), x_TI);
      dweight_OI = gradient_OI.result();
    }
    if (ctx->saved_data["has_bias"].toBool() && ctx->needs_input_grad(2)) dbias_O = dy_TO.sum(0);
    return {dx_TI, dweight_OI, dbias_O, torch::Tensor()};
  }
};

// Upper and lower half of the rows.
std::vector<torch::Tensor> halves(const torch::Tensor& x) { return x.chunk(2); }

variable_list products_of_halves(const torch::Tensor& x_TI, const torch::Tensor& weight_OI) {
  const auto weight = halves(weight_OI);
  return {linear_product(x_TI, weight[0]), linear_product(x_TI, weight[1])};
}

struct RecomputedHalves : torch::autograd::Function<RecomputedHalves> {
  static variable_list forward(AutogradContext* ctx, const torch::Tensor& x_TI,
                               const torch::Tensor& weight_OI, const Recipe& recipe) {
    variable_list saved = recipe.kept;
    saved.push_back(weight_OI);
    ctx->save_for_backward(std::move(saved));
    ctx->saved_data["value_of"] = recipe.saved();
    return products_of_halves(x_TI, weight_OI);
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    variable_list kept = ctx->get_saved_variables();
    const torch::Tensor weight_OI = kept.back();
    kept.pop_back();
    torch::Tensor dx_TI, dweight_OI;
    if (ctx->needs_input_grad(0)) {
      const auto weight = halves(weight_OI);
      dx_TI = linear_product(gradients[0], weight[0].t());
      add_product(dx_TI, gradients[1], weight[1]);
    }
    if (ctx->needs_input_grad(1)) {
      const torch::Tensor x_TI = Recipe::restored(ctx->saved_data["value_of"])(kept);
      dweight_OI = torch::empty_like(weight_OI);
      auto dweight = halves(dweight_OI);
      for (size_t half = 0; half < 2; ++half) at::mm_out(dweight[half], gradients[half].t(), x_TI);
    }
    return {dx_TI, dweight_OI, torch::Tensor()};
  }
};

}  // namespace

c10::IValue Recipe::saved() const {
  return c10::IValue::make_capsule(c10::make_intrusive<Holder>(value_of));
}

Recipe::ValueOf Recipe::restored(const c10::IValue& saved) {
  const auto capsule = saved.toCapsule();
  return static_cast<Holder*>(capsule.get())->value_of;
}

Recomputed as_it_is(const torch::Tensor& value) {
  return {value, {[](const std::vector<torch::Tensor>& kept) { return kept[0]; }, {value}}};
}

torch::Tensor recomputed_product(const Recomputed& x, const torch::Tensor& weight_OI,
                                 const torch::Tensor& bias_O) {
  // Where the weight stands still, x is not needed again.
  if (!torch::GradMode::is_enabled() || !weight_OI.requires_grad())
    return linear_product(x.value, weight_OI, bias_O);
  return RecomputedProduct::apply(
      x.value, weight_OI, bias_O.defined() ? std::optional(bias_O) : std::nullopt, x.recipe);
}

std::pair<torch::Tensor, torch::Tensor> recomputed_halves(const Recomputed& x,
                                                          const torch::Tensor& weight_OI) {
  const bool has_graph = torch::GradMode::is_enabled() && weight_OI.requires_grad();
  const variable_list products = has_graph ? RecomputedHalves::apply(x.value, weight_OI, x.recipe)
                                           : products_of_halves(x.value, weight_OI);
  return {products[0], products[1]};
}

}  // namespace tsrec::nn
