// Hits of two models on the same rows, of which only those that one of them has say something.
#pragma once

#include <optional>

#include "support/api.hpp"
#include "tsrec/error.hpp"

namespace tsrec::host {

// Exact McNemar test on two hit vectors: p = 2 P(Bin(b + c, 1/2) <= min(b, c)), at most 1.
TSREC_HOST_API double mcnemar(const torch::Tensor& a_S, const torch::Tensor& b_S);
// Share of the rows that are a hit in one of the two vectors only: what McNemar's test looks at.
TSREC_HOST_API double discordance(const torch::Tensor& a_S, const torch::Tensor& b_S);
// The smallest difference of two hit rates that McNemar's test on `rows` pairs finds at the level
// of 5 % four times in five, where that share of the pairs differs (Connor, 1987, solved for
// the difference). None where not even pairs that all differ one way would be enough.
TSREC_HOST_API std::optional<double> detectable_difference(int64_t rows, double discordance);

}  // namespace tsrec::host
