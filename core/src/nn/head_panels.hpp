// The head over bfloat16 states on processors that multiply bfloat16: its products lie turned, a
// row for each word, so that the head itself is read where it lies; logits are never rounded to
// bfloat16, only their gradient is, where it enters the next product.
#pragma once

#include "nn/head_kernel.hpp"
#include "tsrec/torch.hpp"

namespace tsrec::nn {

class HeadPanels {
 public:
  // Whether these states are for it.
  static bool serve(const torch::Tensor& h_UD);

  explicit HeadPanels(const torch::Tensor& h_UD);

  // The running log-sum-exp of all states over words first_word .. first_word + C - 1, and their
  // logits at labels; as log_sum_update() of head_kernel.hpp.
  void log_sum_update(const torch::Tensor& weight_CD, int64_t first_word, const RowLabels& labels,
                      float* largest, float* sum, float* picked) const;

  // Words whose part of the gradient is computed at once.
  static constexpr int64_t kWords = 1024;
  // Of at most kWords words: adds to the states' gradient, and sets the words' own, float32 [C, D],
  // where it is defined. normalizer: by state; gradient: by label.
  void add_gradient(const torch::Tensor& weight_CD, int64_t first_word, const RowLabels& labels,
                    const float* normalizer, const float* gradient,
                    const torch::Tensor& dweight_CD);
  // The sum of what was added, [U, D].
  torch::Tensor state_gradient() const;

 private:
  struct States {
    int64_t begin, count;
  };
  int64_t num_panels() const;
  States states_of(int64_t panel) const;
  // [words, kPanel]
  void multiply(const torch::Tensor& weight_CD, int64_t first, int64_t words, int64_t panel,
                float* logit) const;
  void add_gradient_of(int64_t first_panel, int64_t last_panel, const torch::Tensor& weight_CD,
                       int64_t first_word, const RowLabels& labels, const float* normalizer,
                       const float* gradient, const torch::Tensor& dweight_CD);

  torch::Tensor h_UD_, turned_PDk_;  // the states' transposes in pairs, by panel
  // Of backward: the states in pairs, the words' transpose, the gradient of logits in pairs by
  // panel, and that of states, turned.
  torch::Tensor paired_UD_, turned_DC_, dlogit_PCk_, dh_PDk_;
};

}  // namespace tsrec::nn
