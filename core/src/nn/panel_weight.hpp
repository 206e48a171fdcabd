// A weight of an encoder, laid out for our own product, where that is faster than the libraries'.
#pragma once

#include "nn/panel_product_kernel.hpp"
#include "simd.hpp"
#include "tsrec/product.hpp"

namespace tsrec::nn {

class PanelWeight {
 public:
  // In float32 on a CPU for which oneDNN is the library of choice (product.hpp): an AVX512
  // processor that is not Intel's. oneDNN multiplies by a packed weight at .8 of its roof there,
  // this at .93.
  static bool pays_off(torch::ScalarType precision, torch::Device device) {
    return precision == torch::kFloat32 && device.is_cpu() && has_avx512() &&
           product_library() == ProductLibrary::onednn;
  }

  // weight [out, in], bias [out].
  PanelWeight(const torch::Tensor& weight_OI, const torch::Tensor& bias_O)
      : columns_(weight_OI.size(0)) {
    const int64_t panels = (columns_ + kPanelColumns - 1) / kPanelColumns;
    const int64_t missing = panels * kPanelColumns - columns_;
    panel_PIC_ = at::constant_pad_nd(weight_OI, {0, 0, 0, missing})
                     .view({panels, kPanelColumns, weight_OI.size(1)})
                     .transpose(1, 2)
                     .contiguous();
    bias_PC_ = at::constant_pad_nd(bias_O, {0, missing}).contiguous();
  }

  // x [T, in] -> x W^T + bias [T, out], on this thread. A row's result does not depend on the
  // others.
  torch::Tensor product(const torch::Tensor& x_TI) const {
    torch::Tensor y_TO = torch::empty({x_TI.size(0), columns_}, x_TI.options());
    panel_product(x_TI.const_data_ptr<float>(), x_TI.size(0),
                  {panel_PIC_.const_data_ptr<float>(), bias_PC_.const_data_ptr<float>(),
                   x_TI.size(1), columns_},
                  y_TO.mutable_data_ptr<float>());
    return y_TO;
  }

 private:
  torch::Tensor panel_PIC_, bias_PC_;  // panels of columns of W^T
  int64_t columns_;
};

}  // namespace tsrec::nn
