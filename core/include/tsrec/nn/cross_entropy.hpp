// Cross entropy over a whole vocabulary, where all labels weigh the same.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::nn {

// The mean over the rows of -log softmax(W h) at the label: a float32 scalar, differentiable in h
// and W. Its gradient is known as soon as the logits are, so that it is computed with them: three
// products and one exponential for each logit, where label_log_prob(), whose labels' weights come
// later, takes four and two. Logits exist for some rows at a time, at most `most_logits` of them;
// where that would be a few rows only, label_log_prob() goes over columns instead.
TSREC_API torch::Tensor mean_cross_entropy(const torch::Tensor& weight_VD,
                                           const torch::Tensor& h_RD, const torch::Tensor& label_R,
                                           int64_t most_logits = 1 << 22);

}  // namespace tsrec::nn
