// What is learned beside a frozen matrix that a model holds in one piece (LoRA): a product of two
// thin matrices for each of those that were joined into it, such as queries, keys and values.
#pragma once

#include "nn/recomputed.hpp"
#include "tsrec/nn/language_model.hpp"
#include "tsrec/nn/lora.hpp"

namespace tsrec::nn {

// Rows of a joined matrix that were a matrix of their own.
struct JoinedPart {
  std::string name;  // "q_proj"
  int64_t first, rows;
};

class LowRank {
 public:
  LowRank() = default;  // nothing is learned here
  // For those parts that are targets. The thin matrices are left undefined.
  LowRank(const std::vector<JoinedPart>& parts, const Lora& lora);

  bool empty() const { return parts_.empty(); }
  // That have adapters: R of them, each of `rank` rows of A and `rows` rows of B, in their order.
  const std::vector<JoinedPart>& parts() const { return parts_; }
  int64_t rank() const { return rank_; }
  int64_t down_rows() const { return rank_ * static_cast<int64_t>(parts_.size()); }
  int64_t up_rows() const;
  // y [T, out] + scale (x A^T) B^T in the memory of y, which must be nobody else's. x [T, in].
  torch::Tensor added_to(torch::Tensor y_TO, const Recomputed& x,
                         const ForwardOptions& options) const;
  // W [out, in] + scale B A, computed in float64, in the type of W.
  torch::Tensor merged_into(const torch::Tensor& weight_OI) const;

  torch::Tensor down;  // the A behind each other, [down_rows, in]
  torch::Tensor up;    // the B behind each other, [up_rows, rank]

 private:
  std::vector<JoinedPart> parts_;
  int64_t rank_ = 0;
  double scale_ = 0, dropout_ = 0;
};

}  // namespace tsrec::nn
