// From tensors in float32 or bfloat16 to the memory that kernels read and write.
#pragma once

#include <type_traits>

#include "simd.hpp"
#include "tsrec/torch.hpp"

namespace tsrec::nn {

// Calls work(T()) with T as x lies in memory: float or Bfloat16.
template <class Work>
void typed(const torch::Tensor& x, const Work& work) {
  if (x.scalar_type() == torch::kBFloat16) {
    work(Bfloat16());
  } else {
    work(float());
  }
}

// LibTorch refuses another type than the tensor's.
template <class T = float>
const T* in(const torch::Tensor& x) {
  if constexpr (std::is_same_v<T, float>) {
    return x.const_data_ptr<float>();
  } else {
    return reinterpret_cast<const T*>(x.const_data_ptr<at::BFloat16>());
  }
}
template <class T = float>
T* out(const torch::Tensor& x) {
  if constexpr (std::is_same_v<T, float>) {
    return x.mutable_data_ptr<float>();
  } else {
    return reinterpret_cast<T*>(x.mutable_data_ptr<at::BFloat16>());
  }
}

}  // namespace tsrec::nn
