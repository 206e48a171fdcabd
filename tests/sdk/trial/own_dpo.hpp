// Direct preference optimisation (Rafailov et al., 2023): each prompt's target is preferred to the
// best other answer of the model that the stage began with.
//
// An example of a trainer from outside the tree, as short as the SDK lets it be. The one to train
// with is `dpo` (plugins/trainer/preference), which takes the same steps for less work.
#pragma once

#include "tsrec/decode/decoder.hpp"
#include "tsrec/nn/label_log_probs.hpp"
#include "tsrec/parts/trainer.hpp"
#include "tsrec/train/examples.hpp"
#include "tsrec/train/row_order.hpp"
#include "tsrec/train/updater.hpp"

namespace tsrec::example {

struct OwnDpoSettings {
  int64_t epochs = 1, batch_rows = 8, beams = 2;
  double beta = 0.1;
  train::UpdaterOptions updater = {.learning_rate = 1e-3, .schedule = "constant"};
  void declare(Options& o) {
    o.add("epochs", epochs).at_least(1).help("passes over the prompts of all tasks");
    o.add("batch_rows", batch_rows).at_least(1).unit("rows").help("prompts of one update");
    o.add("beams", beams).at_least(2).help("width of the search for the other answer");
    o.add("beta", beta).range(0, 100).help("weight of the distance to the model of before");
    updater.declare(o);
  }
};

class OwnDpo final : public Trainer {
 public:
  static constexpr bool kNeedsItemAnswers = true;
  OwnDpo(const OwnDpoSettings& settings, Context&) : settings_(settings) {}

  void start(const TrainInputs& inputs, Context& context) override {
    inputs_.emplace(inputs);
    order_.emplace(train::RowOrderOptions{.num_rows = inputs.examples.size(Split::train),
                                          .batch_rows = settings_.batch_rows,
                                          .epochs = settings_.epochs});
    updater_ = std::make_unique<train::ModelUpdater>(inputs.policy, settings_.updater, num_steps(),
                                                     context);
    reference_ = inputs.policy.clone();  // stays; a resumed run is given it again
  }

  std::vector<nn::Parameter> parameters() override { return updater_->parameters(); }
  int64_t num_steps() const override { return order_->num_steps(); }

  void step(int64_t index, Context& context) override {
    const std::span<const int64_t> rows = order_->rows(index, context);
    const std::vector<CompiledExample> pairs =
        pairs_of(inputs_->examples, Split::train, rows, order_->epoch_of(index), context);
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
    const std::vector<int64_t> rows = train::validation_rows(inputs_->validation, /*wanted=*/0);
    const std::vector<CompiledExample> pairs =
        pairs_of(inputs_->validation, Split::valid, rows, /*epoch=*/0, context);
    torch::Tensor margin_P = torch::empty({static_cast<int64_t>(rows.size())});
    for (size_t p = 0; p < rows.size(); ++p)
      margin_P[static_cast<int64_t>(p)] = margin(inputs_->policy, pairs, p, context);
    return {{"loss", -torch::log_sigmoid(margin_P).mean().item<double>(), {}},
            {"accuracy", (margin_P > 0).to(torch::kFloat).mean().item<double>(), {}}};
  }

  void save_state(ArtifactWriter& writer) const override { updater_->save(writer); }
  void load_state(const ArtifactReader& reader) override { updater_->load(reader); }

 private:
  // Rows 2 p and 2 p + 1: prompt p with its target, and with the reference's best other answer.
  std::vector<CompiledExample> pairs_of(const ExampleSet& set, Split split,
                                        std::span<const int64_t> rows, int64_t epoch,
                                        Context& context) const {
    const torch::NoGradGuard no_grad;
    const auto examples = train::examples_at(set, split, rows, epoch);
    const decode::Decoder decoder(*reference_, inputs_->trie, {.beams = settings_.beams});
    std::vector<std::vector<int32_t>> prompts;
    for (const CompiledExample& example : examples) prompts.push_back(example.prompt);
    const auto best = decoder.roll_out(decoder.prefill(prompts, context), std::nullopt, context);
    std::vector<CompiledExample> pairs;
    for (size_t b = 0; b < examples.size(); ++b) {
      pairs.insert(pairs.end(), 2, examples[b]);
      for (std::vector<int32_t> answer : best.token_BG[b]) {
        const std::vector<int32_t>& suffix = set.suffix(examples[b].task);
        answer.insert(answer.end(), suffix.begin(), suffix.end());
        if (pairs.back().target == examples[b].target) pairs.back().target = answer;
      }
    }
    return pairs;
  }

  // beta (log p / q of the target - log p / q of the other), p the model, q the reference.
  torch::Tensor margin(const nn::LanguageModel& model, const std::vector<CompiledExample>& pairs,
                       size_t p, Context& context) const {
    const nn::PackedBatch pair = nn::pack(std::span(pairs).subspan(2 * p, 2), {}).front();
    const torch::Tensor log_q_R = nn::label_log_probs(*reference_, pair, {}, context).detach();
    const torch::Tensor log_p_R = nn::label_log_probs(model, pair, {}, context);
    const torch::Tensor ratio_2 = nn::row_log_prob_sums(log_p_R - log_q_R, pair.row_R, 2);
    return settings_.beta * (ratio_2[0] - ratio_2[1]);
  }

  OwnDpoSettings settings_;
  std::optional<TrainInputs> inputs_;
  std::optional<train::RowOrder> order_;
  std::unique_ptr<train::ModelUpdater> updater_;
  std::unique_ptr<nn::TrainableModel> reference_;
};

}  // namespace tsrec::example
