// An encoder turns item texts into vectors.
#pragma once

#include "tsrec/data.hpp"
#include "tsrec/nn/language_model.hpp"
#include "tsrec/plugin.hpp"
#include "tsrec/text/tokenizer.hpp"

namespace tsrec {

// model, tokenizer: the experiment's own backbone before it knows SIDs, for an encoder that says
// kNeeds = "backbone"; null for every other.
struct EncoderInputs {
  const Items& items;
  const nn::LanguageModel* model = nullptr;
  const text::Tokenizer* tokenizer = nullptr;
};

class TSREC_API Encoder : public Part {
 public:
  static constexpr const char* kKind = "encoder";
  static constexpr int kContract = 1;
  ~Encoder() override;
  virtual torch::Tensor encode(const EncoderInputs& inputs,
                               Context& context) = 0;  // [N, D] float32, finite
};

// What an encoder of whole texts reads, one for each item: its texts in these columns that are not
// empty, each on a line of its own. A column that no item has is a ConfigError.
TSREC_API std::vector<std::string> item_texts(const Items& items,
                                              const std::vector<std::string>& columns);

// What stands around the tokens of every text, and how many of the text are kept at most.
struct TokenFrame {
  std::vector<int32_t> before, behind;
  int64_t most = 0;
};
// A row of token ids for every text; how many were cut is logged.
TSREC_API std::vector<std::vector<int32_t>> token_rows(std::span<const std::string> texts,
                                                       const text::Tokenizer& tokenizer,
                                                       const TokenFrame& frame, Context& context);

}  // namespace tsrec
