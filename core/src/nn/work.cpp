#include "tsrec/nn/work.hpp"

namespace tsrec::nn {

void count_work(const LanguageModel& model, int64_t tokens, int64_t rows, int64_t columns,
                Context& context) {
  const double passes = at::GradMode::is_enabled() ? 3 : 1;
  const auto width = static_cast<double>(model.head().weight_VD.size(1));
  const double head = 2 * width * static_cast<double>(rows) * static_cast<double>(columns);
  context.count("token_forwards", tokens);
  context.count("head_rows", rows);
  context.count("flops",
                static_cast<int64_t>(
                    passes * (model.flops_per_token() * static_cast<double>(tokens) + head)));
}

}  // namespace tsrec::nn
