#include "text_pretraining.hpp"

#include "tsrec/nn/label_log_probs.hpp"
#include "tsrec/train/row_order.hpp"

namespace tsrec::decoder_lm {
namespace {

std::vector<CompiledExample> windows_of(const std::vector<std::string>& texts,
                                        const text::Tokenizer& tokenizer, int64_t window) {
  std::vector<CompiledExample> rows;
  for (const std::string& text : texts) {
    std::vector<int32_t> ids = tokenizer.encode(text);
    ids.push_back(tokenizer.eos());
    for (size_t begin = 0; begin < ids.size(); begin += static_cast<size_t>(window)) {
      const size_t end = std::min(ids.size(), begin + static_cast<size_t>(window));
      CompiledExample& row = rows.emplace_back();
      row.prompt = {tokenizer.eos()};
      row.target.assign(ids.begin() + static_cast<std::ptrdiff_t>(begin),
                        ids.begin() + static_cast<std::ptrdiff_t>(end));
    }
  }
  return rows;
}

train::UpdaterOptions updater_options(const TextPretrainingSettings& settings) {
  return {.learning_rate = settings.learning_rate,
          .schedule = "cosine",
          .warmup_steps = settings.steps / 20,
          .weight_decay = 0.01};
}

}  // namespace

std::vector<std::string> item_texts(const Items& items, const std::vector<std::string>& columns) {
  const std::vector<std::string> known = items.columns();
  for (const std::string& column : columns) {
    if (std::find(known.begin(), known.end(), column) == known.end()) {
      throw ConfigError("backbone 'scratch': text_columns names '", column,
                        "', which no item has; the source's columns are: ", c10::Join(", ", known));
    }
  }
  std::vector<std::string> texts;
  for (int64_t item = 0; item < items.size(); ++item) {
    std::string text;
    for (const std::string& column : columns) {
      const std::string_view value = items.text(column, item);
      if (value.empty()) continue;
      if (!text.empty()) text += '\n';
      text += value;
    }
    if (!text.empty()) texts.push_back(std::move(text));
  }
  if (texts.empty()) {
    throw DataError("backbone 'scratch': no item has a text in the columns ",
                    c10::Join(", ", columns),
                    ", so no tokenizer can be trained; name other text_columns");
  }
  return texts;
}

TextPretraining::TextPretraining(nn::TrainableModel& model, const text::Tokenizer& tokenizer,
                                 const std::vector<std::string>& texts,
                                 const TextPretrainingSettings& settings, Context& context)
    : settings_(settings),
      rows_(windows_of(texts, tokenizer, settings.window)),
      updater_(model, updater_options(settings), settings.steps, context) {}

// The mean of -log p over all labels of the batch.
void TextPretraining::step(int64_t index, Context& context) {
  const std::vector<int64_t> rows = next_rows(context);
  std::vector<CompiledExample> batch;
  double num_labels = 0;
  for (const int64_t row : rows) {
    batch.push_back(rows_[static_cast<size_t>(row)]);
    num_labels += static_cast<double>(batch.back().target.size());
  }
  const std::vector<nn::PackedBatch> packs = nn::pack(batch, {.max_tokens = settings_.batch_tokens,
                                                              .share_prefix = false,
                                                              .parts = updater_.num_workers()});
  std::vector<torch::Tensor> loss_P(packs.size());
  updater_.accumulate(packs.size(), [&](const nn::LanguageModel& model, size_t p) {
    const torch::Tensor loss =
        -nn::label_log_probs(model, packs[p], {}, context).sum() / num_labels;
    loss.backward();
    loss_P[p] = loss.detach();
  });
  const double loss = torch::stack(loss_P).to(torch::kCPU, torch::kFloat64).sum().item<double>();
  updater_.update(index, loss, rows, context);
  context.number("pretrain.loss", loss, index);
  const int64_t tail = std::max<int64_t>(1, settings_.steps / 10);
  if (index >= settings_.steps - tail) tail_loss_ += loss / static_cast<double>(tail);
}

// Until a batch holds its tokens.
std::vector<int64_t> TextPretraining::next_rows(Context& context) {
  const auto count = static_cast<int64_t>(rows_.size());
  const auto order_of = [&](int64_t pass) {
    return train::shuffled(count, context.generator("pretraining order", pass));
  };
  if (order_.empty() && passes_ > 0) order_ = order_of(passes_ - 1);  // after a resume
  std::vector<int64_t> rows;
  for (int64_t tokens = 0; tokens < settings_.batch_tokens;) {
    if (passes_ == 0 || at_ == count) {
      order_ = order_of(passes_++);
      at_ = 0;
    }
    rows.push_back(order_[static_cast<size_t>(at_++)]);
    tokens += static_cast<int64_t>(rows_[static_cast<size_t>(rows.back())].target.size());
  }
  return rows;
}

void TextPretraining::save(ArtifactWriter& writer) const {
  updater_.save(writer);
  writer.number("passes", static_cast<double>(passes_));
  writer.number("at", static_cast<double>(at_));
  writer.number("tail_loss", tail_loss_);
}

void TextPretraining::load(const ArtifactReader& reader) {
  updater_.load(reader);
  passes_ = static_cast<int64_t>(reader.number("passes"));
  at_ = static_cast<int64_t>(reader.number("at"));
  tail_loss_ = reader.number("tail_loss");
  order_.clear();
}

}  // namespace tsrec::decoder_lm
