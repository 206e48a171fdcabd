// Direct preference optimisation (Rafailov et al., 2023): a second model, pairs out of the model's
// own answers, and a loss over pairs. It stands here to show that a trainer of about a hundred
// lines is possible, and is held to the same rules as all trainers.
#pragma once

#include "tsrec/decode/decoder.hpp"
#include "tsrec/nn/label_log_probs.hpp"
#include "tsrec/parts/trainer.hpp"
#include "tsrec/train/examples.hpp"
#include "tsrec/train/row_order.hpp"
#include "tsrec/train/updater.hpp"

namespace tsrec::test {

struct DpoSettings {
  int64_t epochs = 1, batch_rows = 8;
  double beta = 0.1;
  train::UpdaterOptions updater = {.learning_rate = 1e-3, .schedule = "constant"};
  void declare(Options& o) {
    o.add("epochs", epochs).at_least(1).help("passes over the prompts of all tasks");
    o.add("batch_rows", batch_rows).at_least(1).unit("rows").help("prompts of one update");
    o.add("beta", beta).range(0, 100).help("weight of the distance to the reference model");
    updater.declare(o);
  }
};

class Dpo final : public Trainer {
 public:
  static constexpr bool kNeedsItemAnswers = true;
  Dpo(const DpoSettings& settings, Context&) : settings_(settings) {}

  void start(const TrainInputs& inputs, Context& context) override {
    inputs_.emplace(inputs);
    order_.emplace(train::RowOrderOptions{.num_rows = inputs.examples.size(Split::train),
                                          .batch_rows = settings_.batch_rows,
                                          .epochs = settings_.epochs});
    updater_ = std::make_unique<train::ModelUpdater>(inputs.policy, settings_.updater, num_steps(),
                                                     context);
    reference_ = inputs.policy.clone();  // stays as it is
  }

  std::vector<nn::Parameter> parameters() override { return updater_->parameters(); }
  int64_t num_steps() const override { return order_->num_steps(); }

  void step(int64_t index, Context& context) override {
    const std::span<const int64_t> rows = order_->rows(index, context);
    const std::vector<CompiledExample> pairs =
        pairs_of(train::examples_at(inputs_->examples, Split::train, rows, order_->epoch_of(index)),
                 context);
    std::vector<torch::Tensor> loss_P(rows.size());
    updater_->accumulate(rows.size(), [&](const nn::LanguageModel& model, size_t p) {
      const torch::Tensor loss =
          -torch::log_sigmoid(margin(model, pairs, p, context)) / static_cast<double>(rows.size());
      loss.backward();
      loss_P[p] = loss.detach();
    });
    const double loss = torch::stack(loss_P).sum().item<double>();
    updater_->update(index, loss, rows, context);
    context.number("train.loss", loss, index);
    updater_->report(index, context);
  }

  Numbers validate(Context& context) override {
    const torch::NoGradGuard no_grad;
    const std::vector<CompiledExample> pairs =
        pairs_of(train::examples_at(inputs_->validation, Split::valid,
                                    train::validation_rows(inputs_->validation, 0), /*epoch=*/0),
                 context);
    double loss = 0, won = 0;
    const size_t count = pairs.size() / 2;
    for (size_t p = 0; p < count; ++p) {
      const torch::Tensor m = margin(inputs_->policy, pairs, p, context);
      loss -= torch::log_sigmoid(m).item<double>() / static_cast<double>(count);
      won += m.item<double>() > 0 ? 1 / static_cast<double>(count) : 0;
    }
    return {{"loss", loss, {}}, {"accuracy", won, {}}};
  }

  void save_state(ArtifactWriter& writer) const override {
    updater_->save(writer);
    reference_->save(writer.folder("reference"));
  }
  void load_state(const ArtifactReader& reader) override {
    updater_->load(reader);
    reference_->load(reader.folder("reference"));
  }

 private:
  // Rows 2 p and 2 p + 1: prompt p with its target, and with the best other answer of the
  // reference.
  std::vector<CompiledExample> pairs_of(const std::vector<CompiledExample>& examples,
                                        Context& context) const {
    const torch::NoGradGuard no_grad;
    std::vector<std::vector<int32_t>> prompts;
    for (const CompiledExample& example : examples) prompts.push_back(example.prompt);
    decode::DecodeOptions two;
    two.search = decode::Search::exact;
    two.beams = 2;
    const decode::Decoder decoder(*reference_, inputs_->trie, two);
    const Rollouts answers =
        decoder.roll_out(decoder.prefill(prompts, context), std::nullopt, context);
    std::vector<CompiledExample> pairs;
    for (size_t b = 0; b < examples.size(); ++b) {
      pairs.push_back(examples[b]);
      const bool is_hit = answers.token_BG[b][0] == examples[b].target;
      pairs.push_back(examples[b]);
      pairs.back().target = answers.token_BG[b][is_hit ? 1 : 0];
    }
    return pairs;
  }

  // beta (log p / q of the target - log p / q of the other), p the model, q the reference.
  torch::Tensor margin(const nn::LanguageModel& model, const std::vector<CompiledExample>& pairs,
                       size_t p, Context& context) const {
    const nn::PackedBatch pair = nn::pack(std::span(pairs).subspan(2 * p, 2), {}).front();
    const torch::Tensor ratio_2 = log_probs(model, pair, context) - [&] {
      const torch::NoGradGuard no_grad;
      return log_probs(*reference_, pair, context);
    }();
    return settings_.beta * (ratio_2[0] - ratio_2[1]);
  }

  static torch::Tensor log_probs(const nn::LanguageModel& model, const nn::PackedBatch& pair,
                                 Context& context) {
    return nn::row_log_prob_sums(nn::label_log_probs(model, pair, {}, context), pair.row_R,
                                 /*num_rows=*/2);
  }

  DpoSettings settings_;
  std::optional<TrainInputs> inputs_;
  std::optional<train::RowOrder> order_;
  std::unique_ptr<train::ModelUpdater> updater_;
  std::unique_ptr<nn::TrainableModel> reference_;
};

}  // namespace tsrec::test
