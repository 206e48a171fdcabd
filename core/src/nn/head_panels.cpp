#include "nn/head_panels.hpp"

#include <ATen/Parallel.h>

#include <numeric>

#include "block_product.hpp"
#include "nn/element_type.hpp"
#include "nn/elementwise.hpp"
#include "nn/panel_kernel.hpp"

namespace tsrec::nn {
namespace {

// Words of one product: with them a panel of logits is 32 KB, which a core's first cache holds.
constexpr int64_t kBlock = 128;
// Panels whose gradient is laid out at once: 512 states, a megabyte of it for kWords words.
constexpr int64_t kPanelsAtOnce = 8;

int64_t whole(int64_t count, int64_t of) { return (count + of - 1) / of * of; }

Bfloat16* numbers(const torch::Tensor& x, int64_t from = 0) { return out<Bfloat16>(x) + from; }

// What a thread works with, block by block.
struct alignas(64) Scratch {
  float logit[kBlock * kPanel];  // a panel
  torch::Tensor dlogit;          // [kBlock, states], of add_gradient()
};

// visit(scratch, block, first word, words): blocks of words, shared out among the threads.
template <class Visit>
void for_blocks(int64_t words, const Visit& visit) {
  at::parallel_for(0, (words + kBlock - 1) / kBlock, 1, [&](int64_t begin, int64_t end) {
    Scratch scratch;
    for (int64_t block = begin; block < end; ++block)
      visit(scratch, block, block * kBlock, std::min(kBlock, words - block * kBlock));
  });
}

// visit(number of label, place in the panel's logits): the labels of these states among the words.
template <class Visit>
void for_labels(const RowLabels& labels, int64_t first_state, int64_t states, int64_t first_word,
                int64_t words, const Visit& visit) {
  for (int64_t u = 0; u < states; ++u) {
    for (int64_t n = labels.first[first_state + u]; n < labels.first[first_state + u + 1]; ++n) {
      const int64_t word = labels.label[n] - first_word;
      if (word >= 0 && word < words) visit(n, word * kPanel + u);
    }
  }
}

}  // namespace

bool HeadPanels::serve(const torch::Tensor& h_UD) {
  return h_UD.scalar_type() == torch::kBFloat16 && has_kernel(h_UD) && h_UD.size(0) > 0 &&
         h_UD.size(1) % 2 == 0 && has_block_product();
}

HeadPanels::HeadPanels(const torch::Tensor& h_UD) : h_UD_(h_UD.detach()) {
  const int64_t width = h_UD.size(1);
  turned_PDk_ = torch::empty({num_panels(), width, kPanel}, h_UD_.options());
  for (int64_t p = 0; p < num_panels(); ++p) {
    const auto [begin, count] = states_of(p);
    pair_transposed(in<Bfloat16>(h_UD_) + begin * width, count, width,
                    numbers(turned_PDk_, p * width * kPanel));
  }
}

int64_t HeadPanels::num_panels() const { return (h_UD_.size(0) + kPanel - 1) / kPanel; }

HeadPanels::States HeadPanels::states_of(int64_t panel) const {
  return {panel * kPanel, std::min(kPanel, h_UD_.size(0) - panel * kPanel)};
}

void HeadPanels::multiply(const torch::Tensor& weight_CD, int64_t first, int64_t words,
                          int64_t panel, float* logit) const {
  const int64_t width = weight_CD.size(1);
  block_product({words, width, whole(states_of(panel).count, kLanes)},
                in<Bfloat16>(weight_CD) + first * width, width,
                {in<Bfloat16>(turned_PDk_) + panel * width * kPanel, kPanel}, /*adds=*/false, logit,
                kPanel);
}

void HeadPanels::log_sum_update(const torch::Tensor& weight_CD, int64_t first_word,
                                const RowLabels& labels, float* largest, float* sum,
                                float* picked) const {
  const int64_t words = weight_CD.size(0), states = num_panels() * kPanel;
  // Of each block; they are joined in their order, whoever computed them.
  const int64_t blocks = (words + kBlock - 1) / kBlock;
  std::vector<float> largest_of(static_cast<size_t>(blocks * states)), sum_of(largest_of.size());
  for_blocks(words, [&](Scratch& scratch, int64_t block, int64_t first, int64_t count) {
    for (int64_t p = 0; p < num_panels(); ++p) {
      const auto [begin, held] = states_of(p);
      multiply(weight_CD, first, count, p, scratch.logit);
      panel_log_sums(scratch.logit, count, whole(held, kLanes),
                     largest_of.data() + block * states + begin,
                     sum_of.data() + block * states + begin);
      if (picked == nullptr) continue;
      for_labels(labels, begin, held, first_word + first, count,
                 [&](int64_t n, int64_t at) { picked[n] = scratch.logit[at]; });
    }
  });
  for (int64_t block = 0; block < blocks; ++block) {
    join_log_sums(h_UD_.size(0), largest_of.data() + block * states, sum_of.data() + block * states,
                  largest, sum);
  }
}

void HeadPanels::add_gradient(const torch::Tensor& weight_CD, int64_t first_word,
                              const RowLabels& labels, const float* normalizer,
                              const float* gradient, const torch::Tensor& dweight_CD) {
  const int64_t width = h_UD_.size(1), words = weight_CD.size(0);
  if (!dh_PDk_.defined()) {
    paired_UD_ = torch::empty({whole(h_UD_.size(0), kLanes), width}, h_UD_.options());
    pair_rows(in<Bfloat16>(h_UD_), h_UD_.size(0), paired_UD_.size(0), width, numbers(paired_UD_));
    turned_DC_ = torch::empty({width, kWords}, h_UD_.options());
    dlogit_PCk_ =
        torch::empty({std::min(kPanelsAtOnce, num_panels()), kWords, kPanel}, h_UD_.options());
    dh_PDk_ = torch::zeros({num_panels(), width, kPanel}, h_UD_.options().dtype(torch::kFloat32));
  }
  transpose(in<Bfloat16>(weight_CD), words, width, numbers(turned_DC_), kWords);
  for (int64_t p = 0; p < num_panels(); p += kPanelsAtOnce) {
    add_gradient_of(p, std::min(p + kPanelsAtOnce, num_panels()), weight_CD, first_word, labels,
                    normalizer, gradient, dweight_CD);
  }
}

void HeadPanels::add_gradient_of(int64_t first_panel, int64_t last_panel,
                                 const torch::Tensor& weight_CD, int64_t first_word,
                                 const RowLabels& labels, const float* normalizer,
                                 const float* gradient, const torch::Tensor& dweight_CD) {
  const int64_t width = h_UD_.size(1), words = weight_CD.size(0);
  constexpr int64_t kStates = kPanelsAtOnce * kPanel;
  for_blocks(words, [&](Scratch& scratch, int64_t, int64_t first, int64_t count) {
    if (!scratch.dlogit.defined())
      scratch.dlogit = torch::empty({kBlock, kStates}, torch::dtype(torch::kBFloat16));
    int64_t padded = 0;  // states
    for (int64_t p = first_panel; p < last_panel; ++p) {
      const auto [begin, held] = states_of(p);
      const int64_t columns = whole(held, kLanes);
      float shift[kPanel] = {}, factor[kPanel] = {};
      std::copy(normalizer + begin, normalizer + begin + held, shift);
      for (int64_t u = 0; u < held; ++u) {
        factor[u] = -std::accumulate(gradient + labels.first[begin + u],
                                     gradient + labels.first[begin + u + 1], 0.0f);
      }
      multiply(weight_CD, first, count, p, scratch.logit);
      scale_panel_softmax(scratch.logit, count, columns, shift, factor);
      for_labels(labels, begin, held, first_word + first, count,
                 [&](int64_t n, int64_t at) { scratch.logit[at] += gradient[n]; });
      narrow_panel(scratch.logit, count, columns, numbers(scratch.dlogit, padded), kStates,
                   numbers(dlogit_PCk_, ((p - first_panel) * kWords + first) * kPanel));
      padded += columns;
    }
    if (!dweight_CD.defined()) return;
    block_product({count, padded, width}, in<Bfloat16>(scratch.dlogit), kStates,
                  {in<Bfloat16>(paired_UD_) + first_panel * kPanel * width, width},
                  /*adds=*/first_panel > 0, out(dweight_CD) + first * width, width);
  });
  at::parallel_for(first_panel, last_panel, 1, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      block_product({width, whole(words, 2), whole(states_of(p).count, kLanes)},
                    in<Bfloat16>(turned_DC_), kWords,
                    {in<Bfloat16>(dlogit_PCk_) + (p - first_panel) * kWords * kPanel, kPanel},
                    /*adds=*/true, out(dh_PDk_) + p * width * kPanel, kPanel);
    }
  });
}

torch::Tensor HeadPanels::state_gradient() const {
  return dh_PDk_.transpose(1, 2).flatten(0, 1).slice(0, 0, h_UD_.size(0));
}

}  // namespace tsrec::nn
