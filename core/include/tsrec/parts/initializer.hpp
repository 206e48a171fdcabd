// An initializer gives the new SID tokens their first embedding rows.
#pragma once

#include "tsrec/parts/backbone.hpp"

namespace tsrec {

struct NewRows {
  torch::Tensor input_ED,
      output_ED;  // [E, D] float32, in Vocabulary::tokens() order; output undefined when tied
};
// N(0, initializer_range^2), independent for every entry: what the model family itself starts from.
TSREC_API NewRows fresh_rows(const VocabularyRows& rows, int64_t count, Context& context);

struct InitializerInputs {
  const Vocabulary& tokens;
  const std::vector<TokenNote>& notes;  // empty without an extractor
  const text::Tokenizer& tokenizer;
  VocabularyRows rows;  // of the model that is not yet extended
  const SidTable& sids;
};
class TSREC_API Initializer : public Part {
 public:
  static constexpr const char* kKind = "initializer";
  static constexpr int kContract = 1;
  ~Initializer() override;
  virtual NewRows rows(const InitializerInputs& inputs,
                       Context& context) = 0;  // does not touch the model's rows
};

}  // namespace tsrec
