#include "text_pretraining.hpp"

#include <numeric>

#include "tsrec/nn/replicas.hpp"
#include "tsrec/nn/work.hpp"

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

// Rows in a fresh shuffle for every pass, handed out until a batch holds its tokens.
class RowStream {
 public:
  RowStream(const std::vector<CompiledExample>& rows, Context& context)
      : rows_(rows), context_(context) {}

  std::vector<CompiledExample> next(int64_t num_tokens) {
    std::vector<CompiledExample> batch;
    for (int64_t tokens = 0; tokens < num_tokens;) {
      if (at_ == order_.size()) shuffle();
      batch.push_back(rows_[order_[at_++]]);
      tokens += static_cast<int64_t>(batch.back().target.size());
    }
    return batch;
  }

 private:
  void shuffle() {
    const auto count = static_cast<int64_t>(rows_.size());
    const torch::Tensor order =
        torch::randperm(count, context_.generator("pretraining order", pass_++), torch::kInt64);
    order_.assign(order.const_data_ptr<int64_t>(), order.const_data_ptr<int64_t>() + count);
    at_ = 0;
  }

  const std::vector<CompiledExample>& rows_;
  Context& context_;
  std::vector<size_t> order_;
  size_t at_ = 0;
  int64_t pass_ = 0;
};

// The gradient of the mean loss over all labels of the batch; returns that mean.
double accumulate(nn::ModelWorkers<nn::CausalLm>& workers,
                  const std::vector<CompiledExample>& batch, int64_t max_tokens, Context& context) {
  double num_labels = 0;
  for (const CompiledExample& row : batch) num_labels += static_cast<double>(row.target.size());
  const std::vector<nn::PackedBatch> packs =
      nn::pack(batch, {.max_tokens = max_tokens, .share_prefix = false, .parts = workers.size()});
  std::vector<torch::Tensor> loss_P(packs.size());
  workers.accumulate(packs.size(), [&](const nn::CausalLm& model, size_t p) {
    const nn::PackedBatch on_device = packs[p].to(context.device());
    const torch::Tensor hidden_TD = model.hidden(on_device, {});
    const torch::Tensor log_prob_R = nn::label_log_prob(
        model.head(), hidden_TD.index_select(0, on_device.at_R), on_device.label_R);
    const torch::Tensor mean = -log_prob_R.sum() / num_labels;
    mean.backward();
    loss_P[p] = mean.detach();
    nn::count_work(model, on_device.num_tokens(), on_device.at_R.size(0), model.shape().vocabulary,
                   context);
  });
  return torch::stack(loss_P).to(torch::kCPU, torch::kFloat64).sum().item<double>();
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

double pretrain(nn::CausalLm& model, const text::Tokenizer& tokenizer,
                const std::vector<std::string>& texts, const TextPretraining& settings,
                Context& context) {
  const std::vector<CompiledExample> rows = windows_of(texts, tokenizer, settings.window);
  RowStream stream(rows, context);
  nn::FlatParameters parameters(model.parameters());
  nn::AdamW optimizer(parameters, {.weight_decay = 0.01});
  nn::ModelWorkers<nn::CausalLm> workers(model, parameters, context.device());
  const nn::Schedule schedule{"cosine", settings.steps / 20, /*floor=*/0};
  const int64_t tail_begin = settings.steps - std::max<int64_t>(1, settings.steps / 10);
  double tail_loss = 0;
  for (int64_t step = 0; step < settings.steps; ++step) {
    if (context.stopping())
      throw Interrupted("pre-training of the backbone was stopped; it starts again next time");
    const double loss =
        accumulate(workers, stream.next(settings.batch_tokens), settings.batch_tokens, context);
    parameters.clip(/*max_norm=*/1);
    optimizer.step(settings.learning_rate * schedule.at(step, settings.steps));
    context.number("pretrain.loss", loss, step);
    context.progress("pre-training on item texts", step + 1, settings.steps);
    if (step >= tail_begin) tail_loss += loss / static_cast<double>(settings.steps - tail_begin);
  }
  return tail_loss;
}

}  // namespace tsrec::decoder_lm
