#include "nn/low_rank.hpp"

#include <torch/autograd.h>

#include <algorithm>

#include "tsrec/nn/dropout.hpp"
#include "tsrec/product.hpp"

namespace tsrec::nn {
namespace {

// A part by its columns of y, and by its rows of the joined B; its rows of the joined A are those
// of its number.
struct Part {
  int64_t first, rows, first_up;
};
struct Parts {
  std::vector<Part> list;
};

torch::Tensor columns(const torch::Tensor& x, int64_t first, int64_t count) {
  return x.slice(1, first, first + count);
}

torch::Tensor product_of(const torch::Tensor& a_MK, const torch::Tensor& b_KN) {
  torch::Tensor product_MN = torch::zeros({a_MK.size(0), b_KN.size(1)}, a_MK.options());
  add_product(product_MN, a_MK, b_KN);
  return product_MN;
}

// y += u B^T, part by part.
void add_up(torch::Tensor& y_TO, const torch::Tensor& u_TR, const torch::Tensor& up,
            const Parts& parts) {
  const int64_t rank = up.size(1);
  for (size_t i = 0; i < parts.list.size(); ++i) {
    const Part& part = parts.list[i];
    torch::Tensor y = columns(y_TO, part.first, part.rows);
    add_product(y, columns(u_TR, static_cast<int64_t>(i) * rank, rank),
                up.slice(0, part.first_up, part.first_up + part.rows).t());
  }
}

// With u = scale x A^T, y + u B^T. Backward: du = scale dy B, dB = dy^T u, dA = du^T x, dx = du A.
struct Added : torch::autograd::Function<Added> {
  static torch::Tensor forward(torch::autograd::AutogradContext* ctx, torch::Tensor y_TO,
                               const torch::Tensor& x_TI, const torch::Tensor& down,
                               const torch::Tensor& up, const Recipe& recipe, const Parts& parts,
                               double scale) {
    const torch::Tensor u_TR = linear_product(x_TI, down).mul_(scale);
    add_up(y_TO, u_TR, up, parts);
    ctx->mark_dirty({y_TO});
    torch::autograd::variable_list saved = {down, up, u_TR};
    saved.insert(saved.end(), recipe.kept.begin(), recipe.kept.end());
    ctx->save_for_backward(std::move(saved));
    ctx->saved_data["value_of"] = recipe.saved();
    ctx->saved_data["scale"] = scale;
    std::vector<int64_t> numbers;
    for (const Part& part : parts.list)
      numbers.insert(numbers.end(), {part.first, part.rows, part.first_up});
    ctx->saved_data["parts"] = numbers;
    return y_TO;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const torch::Tensor &down = saved[0], &up = saved[1], &u_TR = saved[2];
    const torch::Tensor x_TI =
        Recipe::restored(ctx->saved_data["value_of"])({saved.begin() + 3, saved.end()});
    const double scale = ctx->saved_data["scale"].toDouble();
    const std::vector<int64_t> numbers = ctx->saved_data["parts"].toIntVector();
    const torch::Tensor& dy_TO = gradients[0];
    const int64_t rank = up.size(1);
    torch::Tensor du_TR = torch::zeros_like(u_TR), dup = torch::zeros_like(up);
    for (size_t i = 0; i < numbers.size(); i += 3) {
      const int64_t first = numbers[i], rows = numbers[i + 1], first_up = numbers[i + 2];
      const auto column = static_cast<int64_t>(i / 3) * rank;
      const torch::Tensor dy = columns(dy_TO, first, rows);
      torch::Tensor du = columns(du_TR, column, rank);
      torch::Tensor dup_part = dup.slice(0, first_up, first_up + rows);
      add_product(du, dy, up.slice(0, first_up, first_up + rows));
      add_product(dup_part, dy.t(), columns(u_TR, column, rank));
    }
    du_TR.mul_(scale);
    return {
        dy_TO,           product_of(du_TR, down), product_of(du_TR.t(), x_TI), dup, torch::Tensor(),
        torch::Tensor(), torch::Tensor()};
  }
};

}  // namespace

const std::vector<std::string>& lora_targets() {
  static const std::vector<std::string> names = {"q_proj",    "k_proj",  "v_proj",   "o_proj",
                                                 "gate_proj", "up_proj", "down_proj"};
  return names;
}

LowRank::LowRank(const std::vector<JoinedPart>& parts, const Lora& lora)
    : rank_(lora.rank), scale_(lora.scale()), dropout_(lora.dropout) {
  for (const JoinedPart& part : parts) {
    const bool is_target =
        std::find(lora.targets.begin(), lora.targets.end(), part.name) != lora.targets.end();
    if (is_target) parts_.push_back(part);
  }
}

int64_t LowRank::up_rows() const {
  int64_t rows = 0;
  for (const JoinedPart& part : parts_) rows += part.rows;
  return rows;
}

torch::Tensor LowRank::added_to(torch::Tensor y_TO, const Recomputed& x,
                                const ForwardOptions& options) const {
  if (empty()) return y_TO;
  Parts parts;
  int64_t first_up = 0;
  for (const JoinedPart& part : parts_) {
    parts.list.push_back({part.first, part.rows, first_up});
    first_up += part.rows;
  }
  // Also without a graph: a checkpointed block is computed once without, and must be the same.
  const bool drops = dropout_ > 0 && options.generator.has_value();
  const Recomputed read = drops ? as_it_is(Dropout(dropout_, options.generator)(x.value)) : x;
  if (!torch::GradMode::is_enabled()) {
    add_up(y_TO, linear_product(read.value, down).mul_(scale_), up, parts);
    return y_TO;
  }
  return Added::apply(y_TO, read.value, down, up, read.recipe, parts, scale_);
}

torch::Tensor LowRank::merged_into(const torch::Tensor& weight_OI) const {
  const torch::NoGradGuard no_grad;
  torch::Tensor merged_OI = weight_OI.to(torch::kFloat64, /*non_blocking=*/false, /*copy=*/true);
  const torch::Tensor a = down.to(torch::kFloat64), b = up.to(torch::kFloat64);
  int64_t first_up = 0;
  for (size_t i = 0; i < parts_.size(); ++i) {
    const JoinedPart& part = parts_[i];
    const auto first_down = static_cast<int64_t>(i) * rank_;
    torch::Tensor rows = merged_OI.slice(0, part.first, part.first + part.rows);
    rows.add_(torch::matmul(b.slice(0, first_up, first_up + part.rows),
                            a.slice(0, first_down, first_down + rank_)),
              scale_);
    first_up += part.rows;
  }
  return merged_OI.to(weight_OI.scalar_type());
}

}  // namespace tsrec::nn
