// Points of many dimensions drawn on a plane where neighbours stay neighbours: t-SNE (van der
// Maaten and Hinton, 2008), every pair counted.
#pragma once

#include "support/api.hpp"
#include "tsrec/error.hpp"

namespace tsrec::host {

struct TsneSettings {
  double perplexity = 30;    // how many neighbours a point has
  double exaggeration = 12;  // of the affinities in the first steps, so that clusters form
  int64_t exaggerated_steps = 250, steps = 750;
};

// p_NN of Eq. 1: symmetric, 0 on the diagonal, sum 1. Around every point stands a Gaussian as wide
// as makes the perplexity of its neighbours what is asked. x_ND: float64, [N, D], finite.
TSREC_HOST_API torch::Tensor tsne_affinities(const torch::Tensor& x_ND, double perplexity);
// KL(P || Q) in nats, Q the affinities of the plane (Eq. 4).
TSREC_HOST_API double tsne_divergence(const torch::Tensor& p_NN, const torch::Tensor& y_N2);
// Its gradient (Eq. 5), [N, 2], where the affinities are `exaggeration` times p. The same numbers
// with any number of threads.
TSREC_HOST_API torch::Tensor tsne_gradient(const torch::Tensor& p_NN, const torch::Tensor& y_N2,
                                           double exaggeration = 1);

// The fewest points that it makes sense for, and how many neighbours a point has among so many: as
// wanted, at most a third of the others.
inline constexpr int64_t kFewestTsnePoints = 12;
TSREC_HOST_API double tsne_perplexity(int64_t points, double wanted);

// y_N2 of the points x_ND (any floating type, finite, at least kFewestTsnePoints and not all
// equal, D at least 2; else DataError). It begins with the plane of their two principal axes, so
// nothing is drawn at random and equal points stay equal. Momentum, gains and step size as
// scikit-learn has them.
TSREC_HOST_API torch::Tensor tsne(const torch::Tensor& x_ND, const TsneSettings& settings = {});

}  // namespace tsrec::host
