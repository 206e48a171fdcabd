// A metric turns ranked lists into numbers.
#pragma once

#include "tsrec/evaluation.hpp"
#include "tsrec/nn/language_model.hpp"
#include "tsrec/parts/task.hpp"
#include "tsrec/plugin.hpp"
#include "tsrec/trie.hpp"

namespace tsrec {

class TSREC_API Metric : public Part {
 public:
  static constexpr const char* kKind = "metric";
  static constexpr int kContract = 1;
  ~Metric() override;
  // Finite numbers under distinct names, also for no rows. row_S: one value per row, whose mean is
  // the number.
  virtual Numbers measure(const Evaluation& evaluation, Context& context) const = 0;
};

// Comprehension metrics (Figure 5): own prompts, own decoding.
class TSREC_API NeedsDecoder {
 public:
  virtual ~NeedsDecoder();
  virtual Numbers measure_with(const nn::LanguageModel& model, const TaskInputs& inputs,
                               const PromptCompiler& compiler, const Trie& trie,
                               Context& context) const = 0;
};

}  // namespace tsrec
