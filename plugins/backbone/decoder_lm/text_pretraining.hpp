// Language-model pre-training on the item texts, so that word embeddings mean something before SIDs
// are added.
#pragma once

#include "tsrec/data.hpp"
#include "tsrec/prompt.hpp"
#include "tsrec/text/tokenizer.hpp"
#include "tsrec/train/updater.hpp"

namespace tsrec::decoder_lm {

struct TextPretrainingSettings {
  int64_t steps = 0, batch_tokens = 8192, window = 128;
  double learning_rate = 2e-3;
};

// One text per item: its non-empty columns, in the order named, each on a line of its own. A column
// that no item has is a ConfigError; items without any text are left out; no text at all is a
// DataError.
std::vector<std::string> item_texts(const Items& items, const std::vector<std::string>& columns);

// Next-token prediction on the texts, cut into windows: each window is one row behind an
// end-of-text token, the last window of a text learns to end it. AdamW, cosine to 0, 5 % warm-up.
class TextPretraining {
 public:
  // The model must outlive this.
  TextPretraining(nn::TrainableModel& model, const text::Tokenizer& tokenizer,
                  const std::vector<std::string>& texts, const TextPretrainingSettings& settings,
                  Context& context);
  void step(int64_t index, Context& context);
  double tail_loss() const { return tail_loss_; }  // mean over the last tenth of the steps
  void save(ArtifactWriter& writer) const;
  void load(const ArtifactReader& reader);

 private:
  std::vector<int64_t> next_rows(Context& context);

  TextPretrainingSettings settings_;
  std::vector<CompiledExample> rows_;
  train::ModelUpdater updater_;
  // Rows in a fresh shuffle for every pass: passes begun, the current one, and how much of it was
  // handed out.
  int64_t passes_ = 0, at_ = 0;
  std::vector<int64_t> order_;  // derived, never saved
  double tail_loss_ = 0;
};

}  // namespace tsrec::decoder_lm
