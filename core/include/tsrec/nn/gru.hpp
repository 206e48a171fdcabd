// A gated recurrent unit over sequences of different lengths, without padding.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::nn {

// Tokens lie in the order of time: the first ones of all sequences, then the second ones, the
// longest sequence first. running_L[t]: how many sequences have a token at time t; never more than
// before.
//
// With reset r, update z and new gate n behind each other (G = 3 D), every sequence begins with
// h = 0, and a token makes of it (Cho et al., 2014, as cuDNN has it)
//   r = sigma(x_r + W_r h + b_r), z = sigma(x_z + W_z h + b_z),
//   n = tanh(x_n + r (W_n h + b_n)), h <- (1 - z) n + z h.
// input_TG: x, what the products of all tokens' inputs gave at once; weight_GD: W, bias_G: b. All
// float32 on the CPU. -> h behind every token, [T, D]. Differentiable in input, weight and bias.
TSREC_API torch::Tensor gru(const torch::Tensor& input_TG, const torch::Tensor& weight_GD,
                            const torch::Tensor& bias_G, const std::vector<int64_t>& running_L);

}  // namespace tsrec::nn
