// Language-model pre-training on the item texts, so that word embeddings mean something before SIDs
// are added.
#pragma once

#include "tsrec/context.hpp"
#include "tsrec/data.hpp"
#include "tsrec/nn/causal_lm.hpp"
#include "tsrec/text/tokenizer.hpp"

namespace tsrec::decoder_lm {

struct TextPretraining {
  int64_t steps = 0, batch_tokens = 8192, window = 128;
  double learning_rate = 2e-3;
};

// One text per item: its non-empty columns, in the order named, each on a line of its own. A column
// that no item has is a ConfigError; items without any text are left out; no text at all is a
// DataError.
std::vector<std::string> item_texts(const Items& items, const std::vector<std::string>& columns);

// Next-token prediction on the texts, cut into windows: each window is one row behind an
// end-of-text token, the last window of a text learns to end it. AdamW, cosine to 0, 5 % warm-up.
// Returns the mean loss of the last tenth of steps.
double pretrain(nn::CausalLm& model, const text::Tokenizer& tokenizer,
                const std::vector<std::string>& texts, const TextPretraining& settings,
                Context& context);

}  // namespace tsrec::decoder_lm
