#include "tsrec/nn/work.hpp"

namespace tsrec::nn {
namespace {

// FLOPs of the head for one multiply-add of its forward pass: with gradients once more for those of
// the hidden states, and once more for the share of the rows that learn.
double head_passes(const Head& head) {
  if (!at::GradMode::is_enabled()) return 1;
  if (head.weight_VD.requires_grad()) return 3;
  const int64_t learning = head.new_ED.defined() ? head.new_ED.size(0) : 0;
  return 2 + static_cast<double>(learning) / static_cast<double>(head.num_rows());
}

}  // namespace

void count_work(const LanguageModel& model, int64_t tokens, int64_t rows, int64_t columns,
                Context& context) {
  const Head head = model.head();
  const auto width = static_cast<double>(head.weight_VD.size(1));
  double body = model.flops_per_token();
  if (at::GradMode::is_enabled()) body += model.backward_flops_per_token();
  const double of_head =
      head_passes(head) * 2 * width * static_cast<double>(rows) * static_cast<double>(columns);
  context.count("token_forwards", tokens);
  context.count("head_rows", rows);
  context.count("flops", static_cast<int64_t>(body * static_cast<double>(tokens) + of_head));
}

}  // namespace tsrec::nn
