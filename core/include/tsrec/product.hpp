// Products of matrices: the one place that knows which library computes them.
//
// In float32 that is MKL or oneDNN, chosen once from the processor's maker and features, never by
// timing: the same machine gives the same bytes. Every other type and every device has one library
// only, which LibTorch knows: bfloat16 goes to oneDNN where the processor has instructions for it.
// Whoever multiplies float32 matrices, calls these functions.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec {

enum class ProductLibrary { mkl, onednn };
TSREC_API const char* name_of(ProductLibrary library);     // "mkl", "onednn"
TSREC_API const char* shown_name(ProductLibrary library);  // "MKL", "oneDNN"

struct Processor {
  bool is_intel, has_avx512;
};
TSREC_API Processor this_processor();
// oneDNN where the processor has AVX512 and is not Intel's: MKL keeps to AVX2 there, at half the
// speed. Else MKL.
TSREC_API ProductLibrary best_product_library(const Processor& processor);
// Whether LibTorch was built with it.
TSREC_API bool has_onednn();

// What the environment variable TSREC_PRODUCTS names, "mkl" or "onednn"; without it, or where it
// says "auto", the best one for this processor that is there. ConfigError: another name, or oneDNN
// where there is none.
TSREC_API ProductLibrary default_product_library();
// In use in this process: at first the default.
TSREC_API ProductLibrary product_library();
// For whole programs, before their products. Error: oneDNN where there is none.
TSREC_API void use_product_library(ProductLibrary library);

// Matrices below are of one floating type and may be views with any strides.

// x [T, in], weight [out, in], bias [out] (none if undefined) -> x W^T + bias [T, out].
// Differentiable once, in all three.
TSREC_API torch::Tensor linear_product(const torch::Tensor& x_TI, const torch::Tensor& weight_OI,
                                       const torch::Tensor& bias_O = {});
// x W^T without gradients: in `memory` [T, out] where the library writes there, else in memory of
// its own. Returns where it is.
TSREC_API torch::Tensor linear_product_in(torch::Tensor memory_TO, const torch::Tensor& x_TI,
                                          const torch::Tensor& weight_OI);
// sum [M, N] += a [M, K] b [K, N], without gradients.
TSREC_API void add_product(torch::Tensor& sum_MN, const torch::Tensor& a_MK,
                           const torch::Tensor& b_KN);

// Whether a weight that oneDNN has laid out anew, once, is multiplied in this precision as fast as
// the processor can: float32 everywhere, bfloat16 only where it has instructions for it.
TSREC_API bool can_pack(torch::ScalarType precision);
// weight [out, in] -> the same numbers in oneDNN's layout.
TSREC_API torch::Tensor packed(const torch::Tensor& weight_OI);
// linear_product() with a packed weight, without gradients.
TSREC_API torch::Tensor packed_product(const torch::Tensor& x_TI, const torch::Tensor& packed_OI,
                                       const torch::Tensor& bias_O);

}  // namespace tsrec
