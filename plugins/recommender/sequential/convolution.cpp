#include "convolution.hpp"

#include <ATen/Parallel.h>
#include <torch/autograd.h>

#include <algorithm>

#include "tsrec/product.hpp"

namespace tsrec::sequential {
namespace {

constexpr int64_t kBlockWindows = 64;  // of a block, at least

// What the passes over the windows need beside their tensors.
struct Plan : torch::CustomClassHolder {
  Plan(std::shared_ptr<const Windows> of, const std::vector<int64_t>& heights, int64_t horizontal,
       int64_t vertical, int64_t width)
      : windows(std::move(of)) {
    shape.window = windows->rows;
    shape.width = width;
    shape.horizontal = horizontal;
    shape.vertical = vertical;
    for (const int64_t height : heights) {
      for (int64_t f = 0; f < horizontal; f += kLanes)
        groups.push_back({height, std::min(kLanes, horizontal - f), shape.num_products + f,
                          shape.num_maxima + f});
      shape.num_products += height * horizontal;
      shape.num_maxima += horizontal;
    }
    shape.groups = groups.data();
    shape.num_groups = std::ssize(groups);
  }
  std::shared_ptr<const Windows> windows;
  std::vector<FilterGroup> groups;
  FilterShape shape = {};
};

FilterInputs inputs_of(const torch::Tensor& x_SD, const torch::Tensor& product_SK,
                       const torch::Tensor& horizontal_bias, const torch::Tensor& vertical_VL,
                       const torch::Tensor& vertical_bias) {
  return {x_SD.const_data_ptr<float>(), product_SK.const_data_ptr<float>(),
          horizontal_bias.const_data_ptr<float>(), vertical_VL.const_data_ptr<float>(),
          vertical_bias.const_data_ptr<float>()};
}

struct Filtered : torch::autograd::Function<Filtered> {
  static torch::Tensor forward(torch::autograd::AutogradContext* ctx, const torch::Tensor& x_in,
                               const torch::Tensor& product_in,
                               const torch::Tensor& horizontal_bias,
                               const torch::Tensor& vertical_VL, const torch::Tensor& vertical_bias,
                               const c10::intrusive_ptr<Plan>& plan) {
    const torch::Tensor x_SD = x_in.contiguous(), product_SK = product_in.contiguous();
    const FilterShape& shape = plan->shape;
    const std::vector<Window>& window_R = plan->windows->window_R;
    const torch::Tensor place_RM =
        torch::empty({std::ssize(window_R), shape.num_maxima}, torch::kInt32);
    torch::Tensor feature_RF = torch::empty({std::ssize(window_R), shape.num_features()});
    const FilterInputs inputs =
        inputs_of(x_SD, product_SK, horizontal_bias, vertical_VL, vertical_bias);
    auto* place = place_RM.mutable_data_ptr<int32_t>();
    auto* feature = feature_RF.mutable_data_ptr<float>();
    at::parallel_for(0, std::ssize(window_R), /*grain=*/64, [&](int64_t begin, int64_t end) {
      filters_forward(shape, window_R.data() + begin, end - begin, inputs,
                      place + begin * shape.num_maxima, feature + begin * shape.num_features());
    });
    ctx->saved_data["plan"] = torch::IValue::make_capsule(plan);
    ctx->save_for_backward(
        {x_SD, product_SK, horizontal_bias, vertical_VL, vertical_bias, place_RM});
    return feature_RF;
  }

  // Blocks of windows share no token, but all filters: each has a sum of its own for these.
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const auto plan = c10::static_intrusive_pointer_cast<Plan>(ctx->saved_data["plan"].toCapsule());
    const FilterShape& shape = plan->shape;
    const std::vector<int64_t>& offset = plan->windows->offset_B1;
    const FilterInputs inputs = inputs_of(saved[0], saved[1], saved[2], saved[3], saved[4]);
    const torch::Tensor dfeature_RF = gradients[0].contiguous();
    const torch::Tensor dx_SD = torch::zeros_like(saved[0]),
                        dproduct_SK = torch::zeros_like(saved[1]);
    const int64_t blocks = std::ssize(offset) - 1;
    const torch::Tensor dhorizontal_BM = torch::zeros({blocks, shape.num_maxima}),
                        dvertical_BVLl =
                            torch::zeros({blocks, shape.vertical, shape.window, kLanes}),
                        dbias_BVl = torch::zeros({blocks, shape.vertical, kLanes});
    const FilterGradients sums = {
        dx_SD.mutable_data_ptr<float>(), dproduct_SK.mutable_data_ptr<float>(),
        dhorizontal_BM.mutable_data_ptr<float>(), dvertical_BVLl.mutable_data_ptr<float>(),
        dbias_BVl.mutable_data_ptr<float>()};
    const auto* place = saved[5].const_data_ptr<int32_t>();
    const auto* dfeature = dfeature_RF.const_data_ptr<float>();
    at::parallel_for(0, blocks, /*grain=*/1, [&](int64_t first, int64_t last) {
      for (int64_t b = first; b < last; ++b) {
        const int64_t begin = offset[static_cast<size_t>(b)],
                      end = offset[static_cast<size_t>(b) + 1];
        FilterGradients of_block = sums;
        of_block.horizontal_bias += b * dhorizontal_BM.stride(0);
        of_block.vertical_lanes += b * dvertical_BVLl.stride(0);
        of_block.vertical_bias_lanes += b * dbias_BVl.stride(0);
        filters_backward(shape, plan->windows->window_R.data() + begin, end - begin, inputs,
                         place + begin * shape.num_maxima, dfeature + begin * shape.num_features(),
                         of_block);
      }
    });
    return {dx_SD,
            dproduct_SK,
            dhorizontal_BM.sum(0),
            dvertical_BVLl.sum(at::IntArrayRef{0, 3}),
            dbias_BVl.sum(at::IntArrayRef{0, 2}),
            torch::Tensor()};
  }
};

}  // namespace

Windows::Windows(const Batch& batch, int64_t num_rows, bool newest_at_end) : rows(num_rows) {
  const int64_t labels = batch.at_R.size(0);
  const auto* at = batch.at_R.const_data_ptr<int64_t>();
  std::vector<int64_t> seen;  // tokens of the batch
  int64_t next = 0;           // the first token that a window has not seen
  for (size_t b = 0; b + 1 < batch.offset_B1.size(); ++b) {
    const int64_t begin = batch.offset_B1[b], end = batch.offset_B1[b + 1];
    while (std::ssize(window_R) < labels && at[window_R.size()] < end) {
      const int64_t newest = at[window_R.size()], count = std::min(rows, newest - begin + 1);
      for (next = std::max(next, newest - count + 1); next <= newest; ++next) seen.push_back(next);
      window_R.push_back({.first = std::ssize(seen) - count,
                          .count = count,
                          .row = newest_at_end ? rows - count : 0});
    }
    if (std::ssize(window_R) - offset_B1.back() >= kBlockWindows)
      offset_B1.push_back(std::ssize(window_R));
  }
  window_R.resize(whole_rows(window_R.size()));
  offset_B1.push_back(std::ssize(window_R));
  seen.resize(whole_rows(seen.size()));
  item_S = batch.item_T.index_select(0, torch::tensor(seen, torch::kInt64));
}

torch::Tensor convolved(const torch::Tensor& x_SD, std::shared_ptr<const Windows> windows,
                        const std::vector<int64_t>& heights, const FilterWeights& weights) {
  const int64_t horizontal = weights.horizontal_bias.size(0) / std::ssize(heights);
  return Filtered::apply(x_SD, linear_product(x_SD, weights.horizontal_KD), weights.horizontal_bias,
                         weights.vertical_VL, weights.vertical_bias,
                         c10::make_intrusive<Plan>(std::move(windows), heights, horizontal,
                                                   weights.vertical_VL.size(0), x_SD.size(1)));
}

}  // namespace tsrec::sequential
