// Low-rank adaptation (Hu et al., 2022): the weights stay as they are, and what is learned of a
// matrix W is a product of two thin ones, W + alpha / rank B A.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::nn {

// The matrices of a decoder block that can have adapters, by their Hugging Face names.
TSREC_API const std::vector<std::string>& lora_targets();

struct Lora {
  int64_t rank = 0;  // columns of B; 0: no adapters
  double alpha = 16;
  std::vector<std::string> targets = lora_targets();
  double dropout = 0;  // of what A reads, in forwards that have a generator
  double scale() const { return alpha / static_cast<double>(rank); }
};

}  // namespace tsrec::nn
