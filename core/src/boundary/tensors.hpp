// What the looks at tensors of several kinds are made of.
#pragma once

#include <cmath>
#include <optional>
#include <set>

#include "tsrec/error.hpp"

namespace tsrec::boundary {

// Dense, of this type, on the CPU.
bool is_cpu_tensor(const torch::Tensor& x, torch::ScalarType type);
// Of float32 on the CPU: the place of the first NaN or infinity in the order of the rows.
std::optional<int64_t> first_not_finite(const torch::Tensor& x);

}  // namespace tsrec::boundary
