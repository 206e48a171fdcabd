// Group-relative policy optimisation: completions of each prompt, rewards compared inside the
// group, a KL term to a reference model. By default in the style of MiniOneRec (arXiv 2510.24431).
//
// Each prompt is computed once per model and update: the rollout reads the policy's keys and values
// without their graph, the teacher-forced completions read the same keys and values with it.

#include "advantages.hpp"
#include "curriculum.hpp"
#include "curves.hpp"
#include "divergences.hpp"
#include "label_scores.hpp"
#include "losses.hpp"
#include "rollout_maker.hpp"
#include "settings.hpp"
#include "tsrec/parts/trainer.hpp"
#include "tsrec/train/examples.hpp"
#include "tsrec/train/row_order.hpp"

namespace {

using namespace tsrec;
using namespace tsrec::grpo;

// Prompts of one task that are computed together, and what their updates share.
struct StepPart {
  std::vector<CompiledExample> examples = {};
  std::vector<size_t> place_B = {};  // among the examples of the step
  std::vector<std::vector<int32_t>> prompts = {};
  Groups groups = {};
  torch::Tensor reward_BG = {}, advantage_BG = {};
  std::optional<Choices> choices = {};  // of the tree of completions, where they are asked for
  torch::Tensor old_R = {};             // of the policy that made the rollout
  LabelScores reference = {};

  bool is_rolled_out() const { return reward_BG.defined(); }
  // What only another update would read, and what may be large.
  void forget_scores() {
    choices.reset();
    old_R.reset();
    reference = {};
  }
};

torch::Tensor is_flat(const torch::Tensor& reward_BG) {
  return reward_BG.amax(/*dim=*/1) == reward_BG.amin(/*dim=*/1);
}

class Grpo final : public Trainer {
 public:
  static constexpr bool kNeedsItemAnswers = true;
  Grpo(const Settings& settings, Context&) : settings_(settings) {}

  void check_sids(const SidTable& sids) const override {
    const int64_t distinct = sids.num_distinct();
    if (distinct == 1 && (settings_.logprob == "legal" || settings_.rollout == "exact")) {
      throw ConfigError(
          "the catalogue has only 1 SID, so that the policy has no choice and nothing to learn; "
          "give the items different SIDs");
    }
    const bool no_beams = settings_.draws() || settings_.rollout == "exact";
    if (no_beams || settings_.num_beams() <= distinct) return;
    if (settings_.rollout == "mixture") {
      throw ConfigError("rollout = \"mixture\" has ", settings_.num_beams(),
                        " beams, but the catalogue has only ", distinct,
                        " SIDs; lower completions or beam_share");
    }
    throw ConfigError("completions = ", settings_.completions, ", but the catalogue has only ",
                      distinct, " SIDs, and rollout = \"", settings_.rollout,
                      "\" gives each of them once; set ",
                      distinct > 1 ? c10::str("completions = ", distinct, " at most, or ") : "",
                      "rollout = \"sample\"");
  }

  void start(const TrainInputs& inputs, Context& context) override {
    check_sids(inputs.sids);
    inputs_.emplace(inputs);
    const int64_t num_rows = inputs.examples.size(Split::train);
    if (num_rows == 0) throw ConfigError("the tasks of this grpo stage have no training rows");
    if (settings_.rewards.size() == 0) {
      throw ConfigError(
          "this grpo stage has no reward; add a [[stage.reward]] such as use = \"exact_match\"");
    }
    for (size_t k = 0; k < settings_.rewards.size(); ++k) {
      const std::shared_ptr<Reward> reward = settings_.rewards.make(k, context);
      reward->prepare({inputs.data, inputs.sids, inputs.notes, inputs.earlier}, context);
      rewards_.push_back(reward);
      reward_names_.push_back(settings_.rewards.name(k));
    }
    rollouts_.emplace(settings_, inputs.trie);
    leaf_N_ = inputs.sids.group_N();
    train::RowOrderOptions order = settings_.prompts;
    order.num_rows = num_rows;
    if (settings_.flat_weight < 1)
      curriculum_.emplace(num_rows, order.batch_rows, settings_.flat_weight);
    order_.emplace(std::move(order));
    updater_ = std::make_unique<train::ModelUpdater>(inputs.policy, settings_.updater,
                                                     num_steps() * settings_.reuse, context);
    if (settings_.kl > 0) reference_ = inputs.policy.clone();
    train::warn_of_no_validation(inputs.validation, context);
    context.log(Level::info, c10::str("grpo: ", num_rows, " prompts, ", num_steps(), " steps of ",
                                      settings_.prompts.batch_rows, " prompts x ", group_size(),
                                      " completions"));
  }

  std::vector<nn::Parameter> parameters() override { return updater_->parameters(); }
  int64_t num_steps() const override { return order_->num_steps(); }

  // One rollout, and `reuse` updates of it: a step leaves nothing half used behind.
  void step(int64_t index, Context& context) override {
    const std::vector<int64_t> rows = rows_of(index, context);
    const std::vector<CompiledExample> examples =
        train::examples_at(inputs_->examples, Split::train, rows, order_->epoch_of(index));
    refuse_texts(examples);
    std::vector<StepPart> parts = parts_of(examples);
    std::vector<RolloutNumbers> rolled_P(parts.size(), RolloutNumbers(rewards_.size()));
    const auto roll_out = [&](const nn::LanguageModel& policy, const nn::Prefilled& prompts,
                              size_t p) {
      roll_out_part(policy, prompts, parts[p],
                    context.generator("rollout", index, static_cast<int64_t>(p)), rolled_P[p],
                    context);
    };
    if (settings_.asks_the_whole_step()) {
      const torch::NoGradGuard no_grad;
      updater_->visit(parts.size(), [&](const nn::LanguageModel& policy, size_t p) {
        roll_out(policy, prefilled(policy, parts[p], context), p);
      });
    }
    const StepSize size = size_of(parts, static_cast<double>(examples.size()));

    UpdateNumbers updated;
    for (int64_t update = 0; update < settings_.reuse; ++update) {
      std::vector<UpdateNumbers> updated_P(parts.size());
      updater_->accumulate(parts.size(), [&](const nn::LanguageModel& policy, size_t p) {
        const nn::Prefilled prompts = prefilled(policy, parts[p], context);
        if (!parts[p].is_rolled_out()) roll_out(policy, prompts, p);
        accumulate(policy, prompts, parts[p], size, rolled_P[p], updated_P[p], context);
      });
      updated = {};
      for (const UpdateNumbers& part : updated_P) updated.add(part);
      if (update == 0) predict_memory(updated, parts.size(), context);
      updater_->update(index * settings_.reuse + update, updated.loss, rows, context);
    }
    if (reference_ && settings_.sync_every > 0 && (index + 1) % settings_.sync_every == 0)
      move_reference();

    if (curriculum_) learn_from(parts, rows);

    RolloutNumbers rolled(rewards_.size());
    for (const RolloutNumbers& part : rolled_P) rolled.add(part);
    rolled.report(reward_names_, index, context);
    updated.report(index, context);
    updater_->report(index, context);
    context.count("rows", static_cast<int64_t>(examples.size()));
  }

  // Mean reward of the policy's own completions on validation prompts; "loss" is its negative.
  Numbers validate(Context& context) override {
    const torch::NoGradGuard no_grad;
    const ExampleSet& set = inputs_->validation;
    if (set.size(Split::valid) == 0) return {};
    const std::vector<CompiledExample> examples = train::examples_at(
        set, Split::valid, train::validation_rows(set, settings_.valid_rows), /*epoch=*/0);
    const std::vector<StepPart> parts = parts_of(examples);
    std::vector<RolloutNumbers> numbers_P(parts.size(), RolloutNumbers(rewards_.size()));
    updater_->visit(parts.size(), [&](const nn::LanguageModel& policy, size_t p) {
      const nn::Prefilled prompts = prefilled(policy, parts[p], context);
      const Groups groups = {
          rollouts_->answers(asked(policy, prompts, parts[p], set, inputs_->data.valid),
                             context.generator("validation", 0, static_cast<int64_t>(p)), context),
          {}};
      rewards_of(groups, numbers_P[p]);
    });
    RolloutNumbers numbers(rewards_.size());
    for (const RolloutNumbers& part : numbers_P) numbers.add(part);
    return {{"loss", -numbers.mean_reward(), {}},
            {"reward", numbers.mean_reward(), {}},
            {"zero_variance", numbers.zero_variance / numbers.groups, {}}};
  }

  void save_state(ArtifactWriter& writer) const override {
    updater_->save(writer);
    if (curriculum_) curriculum_->save(writer);
    if (!reference_) return;
    ArtifactWriter values(writer.folder("reference"));
    nn::save_values(reference_->parameters(), values);
    values.close();
  }
  void load_state(const ArtifactReader& reader) override {
    updater_->load(reader);
    if (curriculum_) curriculum_->load(reader);
    if (reference_)
      nn::load_values(reference_->parameters(), ArtifactReader(reader.folder("reference")));
  }

 private:
  // What the parts of a step have to know of all of it.
  struct StepSize {
    double prompts = 0;
    double tokens = 0;           // as much as they count; 0 where the loss does not ask
    double batch_deviation = 0;  // of the rewards; 0 where the advantage does not ask
  };

  int64_t group_size() const {
    return settings_.rollout == "exact" ? inputs_->trie.num_leaves() : settings_.completions;
  }

  std::vector<int64_t> rows_of(int64_t index, Context& context) {
    if (curriculum_) return curriculum_->rows(index, context);
    const std::span<const int64_t> rows = order_->rows(index, context);
    return {rows.begin(), rows.end()};
  }

  void learn_from(const std::vector<StepPart>& parts, const std::vector<int64_t>& rows) {
    for (const StepPart& part : parts) {
      const torch::Tensor flat_B = is_flat(part.reward_BG);
      for (size_t b = 0; b < part.place_B.size(); ++b)
        curriculum_->learn(rows[part.place_B[b]], flat_B[static_cast<int64_t>(b)].item<bool>());
    }
  }

  void refuse_texts(const std::vector<CompiledExample>& examples) const {
    for (const CompiledExample& example : examples) {
      if (example.target_item >= 0) continue;
      throw ConfigError("task '", inputs_->examples.task_names()[static_cast<size_t>(example.task)],
                        "' does not answer with an item, so its completions cannot be rewarded; "
                        "list the tasks of this stage, for example tasks = [\"next_item\"]");
    }
  }

  // Prompts of one task at a time (forced tokens differ between tasks), at most micro_prompts of
  // them, and at most one worker's share.
  std::vector<StepPart> parts_of(const std::vector<CompiledExample>& examples) const {
    const int64_t share = (static_cast<int64_t>(examples.size()) + updater_->num_workers() - 1) /
                          updater_->num_workers();
    const auto most = static_cast<size_t>(std::min(settings_.micro_prompts, share));
    std::map<int32_t, std::vector<size_t>> by_task;
    for (size_t place = 0; place < examples.size(); ++place)
      by_task[examples[place].task].push_back(place);
    std::vector<StepPart> parts;
    for (const auto& [task, places] : by_task) {
      for (size_t begin = 0; begin < places.size(); begin += most) {
        StepPart& part = parts.emplace_back();
        for (size_t at = begin; at < std::min(places.size(), begin + most); ++at) {
          part.place_B.push_back(places[at]);
          part.examples.push_back(examples[places[at]]);
          part.prompts.push_back(examples[places[at]].prompt);
        }
      }
    }
    return parts;
  }

  nn::Prefilled prefilled(const nn::LanguageModel& model, const StepPart& part,
                          Context& context) const {
    return model.prefill(part.prompts, /*begun=*/nullptr, context, settings_.checkpoint);
  }

  Asked asked(const nn::LanguageModel& model, const nn::Prefilled& prompts, const StepPart& part,
              const ExampleSet& set, const Samples& rows) const {
    static const std::vector<int32_t> none;
    return {model, prompts, part.examples,
            settings_.learns_suffix() ? set.suffix(part.examples.front().task) : none, rows};
  }
  Asked asked(const nn::LanguageModel& model, const nn::Prefilled& prompts,
              const StepPart& part) const {
    return asked(model, prompts, part, inputs_->examples, inputs_->data.train);
  }

  // Weighted sum of the rewards, [B, G]. Workers ask side by side: score() is thread-safe.
  torch::Tensor rewards_of(const Groups& groups, RolloutNumbers& numbers) const {
    torch::Tensor total_BG = torch::zeros_like(groups.rollouts.log_prob_BG);
    for (size_t k = 0; k < rewards_.size(); ++k) {
      const torch::Tensor reward_BG = rewards_[k]->score(groups.rollouts);
      numbers.reward[k] += group_mean(reward_BG, groups.weight_BG).sum().item<double>();
      total_BG += settings_.rewards.weight(k) * reward_BG;
    }
    numbers.total += group_mean(total_BG, groups.weight_BG).sum().item<double>();
    numbers.groups += static_cast<double>(total_BG.size(0));
    numbers.zero_variance += static_cast<double>(is_flat(total_BG).sum().item<int64_t>());
    return total_BG;
  }

  void roll_out_part(const nn::LanguageModel& policy, const nn::Prefilled& prompts, StepPart& part,
                     const at::Generator& generator, RolloutNumbers& numbers,
                     Context& context) const {
    part.groups = rollouts_->groups(asked(policy, prompts, part), generator, context);
    part.reward_BG = rewards_of(part.groups, numbers);
    std::vector<int64_t> target_leaf_B;
    for (const CompiledExample& example : part.examples)
      target_leaf_B.push_back(leaf_N_[static_cast<size_t>(example.target_item)]);
    const torch::Tensor& leaf_BG = part.groups.rollouts.leaf_BG;
    numbers.target_rank = target_ranks(leaf_BG, target_leaf_B);
    const auto missing = static_cast<double>(leaf_BG.size(1) + 1);
    numbers.hits =
        static_cast<double>(std::count_if(numbers.target_rank.begin(), numbers.target_rank.end(),
                                          [&](double rank) { return rank < missing; }));
  }

  StepSize size_of(const std::vector<StepPart>& parts, double num_prompts) const {
    StepSize size{.prompts = num_prompts};
    if (!settings_.asks_the_whole_step()) return size;
    BatchDeviation deviation;
    for (const StepPart& part : parts) {
      deviation.add(part.reward_BG, part.groups.weight_BG);
      size.tokens += (weights_of(part) * lengths_of(part)).sum().item<double>();
    }
    size.batch_deviation = deviation.value();
    return size;
  }

  // [C]: how much each completion counts, 1 on the average.
  static torch::Tensor weights_of(const StepPart& part) {
    return part.groups.weight_BG.defined() ? part.groups.weight_BG.reshape({-1})
                                           : torch::ones({part.reward_BG.numel()});
  }

  // [C]: tokens that carry loss.
  torch::Tensor lengths_of(const StepPart& part) const {
    std::vector<int64_t> lengths;
    for (const auto& completions : part.groups.rollouts.token_BG) {
      for (const std::vector<int32_t>& tokens : completions)
        lengths.push_back(static_cast<int64_t>(tokens.size()) + suffix_length(part));
    }
    return torch::tensor(lengths, torch::kInt64);
  }
  int64_t suffix_length(const StepPart& part) const {
    if (!settings_.learns_suffix()) return 0;
    return static_cast<int64_t>(inputs_->examples.suffix(part.examples.front().task).size());
  }

  // Adds the gradient of this part of the loss.
  void accumulate(const nn::LanguageModel& policy, const nn::Prefilled& prompts, StepPart& part,
                  const StepSize& size, RolloutNumbers& rolled, UpdateNumbers& updated,
                  Context& context) const {
    const nn::PackedBatch tree =
        rollouts_->tree(asked(policy, prompts, part), part.groups.rollouts);
    updated.prompt_tokens = prompts.state->num_tokens();
    updated.tokens = updated.prompt_tokens + tree.num_tokens();
    const bool is_first = !part.old_R.defined();
    torch::Tensor entropy_B;
    if (is_first) {
      part.advantage_BG = advantages_of(part, size, rolled);
      if (asks_the_trie()) part.choices = choices_of(tree, inputs_->trie);
      entropy_B = first_entropies(policy, prompts, inputs_->trie, context);
    }
    const LabelScores scores = scored(policy, prompts, tree, part, context);
    if (is_first) {
      part.old_R = scores.log_prob_R.detach();
      if (reference_) part.reference = reference_scores(tree, part, context);
    }

    Completions completions{.policy_R = scores.log_prob_R,
                            .old_R = part.old_R,
                            .divergence_R = divergence(scores, part),
                            .row_R = tree.row_R,
                            .advantage_C = part.advantage_BG.reshape({-1}),
                            .weight_C = token_weights_of(part, size)};
    const LossOptions options{.kind = settings_.loss,
                              .epsilon_low = settings_.epsilon_low,
                              .epsilon_high = settings_.epsilon_high,
                              .kl = settings_.kl};
    const Loss loss = loss_of(completions, options);
    loss.value.backward();
    // Read last, and at once: this waits for a device.
    read(loss, completions, entropy_B, part, rolled, updated);
    if (settings_.reuse == 1) part.forget_scores();
  }

  torch::Tensor advantages_of(const StepPart& part, const StepSize& size,
                              RolloutNumbers& numbers) const {
    const torch::Tensor& weight_BG = part.groups.weight_BG;
    const torch::Tensor advantage_BG =
        advantages(part.reward_BG, weight_BG, settings_.advantage_kind(), size.batch_deviation);
    numbers.advantage += group_mean(advantage_BG.abs(), weight_BG).sum().item<double>();
    return advantage_BG;
  }

  bool compares_distributions() const { return reference_ && settings_.kl_estimator == "exact"; }
  bool asks_the_trie() const { return settings_.logprob == "legal" || compares_distributions(); }

  LabelScores scored(const nn::LanguageModel& model, const nn::Prefilled& prompts,
                     const nn::PackedBatch& tree, const StepPart& part, Context& context) const {
    const ScoreOptions options{.legal = settings_.logprob == "legal",
                               .distributions = compares_distributions(),
                               .checkpoint = settings_.checkpoint};
    return scores_of(model, prompts, tree, part.choices ? &*part.choices : nullptr, options,
                     context);
  }

  LabelScores reference_scores(const nn::PackedBatch& tree, const StepPart& part,
                               Context& context) const {
    const torch::NoGradGuard no_grad;
    const nn::Prefilled prompts = prefilled(*reference_, part, context);
    return scored(*reference_, prompts, tree, part, context);
  }

  torch::Tensor divergence(const LabelScores& policy, const StepPart& part) const {
    if (!reference_) return {};
    if (compares_distributions())
      return exact_divergence(policy.legal_PV, part.reference.legal_PV, *part.choices);
    if (settings_.kl_estimator == "k1")
      return k1(policy.log_prob_R, part.old_R, part.reference.log_prob_R);
    return k3(policy.log_prob_R, part.reference.log_prob_R);
  }

  torch::Tensor token_weights_of(const StepPart& part, const StepSize& size) const {
    const auto group = static_cast<double>(part.reward_BG.size(1));
    const BatchSize batch{
        .completions = size.prompts * group,
        .tokens = size.tokens,
        .longest = static_cast<double>(inputs_->trie.depth() + suffix_length(part))};
    torch::Tensor weight_C =
        token_weights(weights_of(part), lengths_of(part), batch, settings_.loss);
    if (settings_.skip_zero_variance) {
      weight_C = weight_C * is_flat(part.reward_BG)
                                .logical_not()
                                .repeat_interleave(part.reward_BG.size(1))
                                .to(torch::kFloat32);
    }
    return weight_C;
  }

  void read(const Loss& loss, const Completions& completions, const torch::Tensor& entropy_B,
            const StepPart& part, RolloutNumbers& rolled, UpdateNumbers& updated) const {
    const torch::NoGradGuard no_grad;
    const torch::Tensor zero = torch::zeros_like(loss.value);
    const torch::Tensor count_R = of_tokens(weights_of(part), completions);
    const torch::Tensor divergence =
        completions.divergence_R.defined() ? (completions.divergence_R * count_R).sum() : zero;
    const torch::Tensor read = torch::stack({loss.value, divergence, count_R.sum(),
                                             entropy_B.defined() ? entropy_B.sum() : zero,
                                             loss.clipped.defined() ? loss.clipped : zero})
                                   .detach()
                                   .cpu();
    updated.loss = read[0].item<double>();
    updated.divergence = read[1].item<double>();
    if (completions.divergence_R.defined()) updated.labels = read[2].item<double>();
    rolled.entropy += read[3].item<double>();
    if (loss.clipped.defined()) {
      updated.clipped_of = static_cast<double>(completions.row_R.size(0));
      updated.clipped = read[4].item<double>() * updated.clipped_of;
    }
  }

  void predict_memory(const UpdateNumbers& updated, size_t num_parts, Context& context) {
    const int64_t at_once = std::min(updater_->num_workers(), static_cast<int64_t>(num_parts));
    updater_->predict_memory({.tokens = updated.tokens * at_once,
                              .models = reference_ ? 1 : 0,
                              .state_tokens = updated.prompt_tokens * at_once,
                              .checkpoint = settings_.checkpoint},
                             context);
  }

  // reference <- (1 - sync_mix) reference + sync_mix policy
  void move_reference() {
    const torch::NoGradGuard no_grad;
    const auto policy = inputs_->policy.parameters();
    const auto reference = reference_->parameters();
    for (size_t i = 0; i < policy.size(); ++i)
      reference[i].value.lerp_(policy[i].value, settings_.sync_mix);
  }

  Settings settings_;
  std::optional<TrainInputs> inputs_;
  std::vector<std::shared_ptr<const Reward>> rewards_;
  std::vector<std::string> reward_names_;
  std::vector<int64_t> leaf_N_;  // SID group of every item
  std::optional<RolloutMaker> rollouts_;
  std::optional<train::RowOrder> order_;
  std::optional<Curriculum> curriculum_;  // in place of the order's rows; none: flat_weight = 1
  std::unique_ptr<train::ModelUpdater> updater_;
  std::unique_ptr<nn::TrainableModel> reference_;  // null when kl = 0
};

}  // namespace

TSREC_PLUGIN("tsrec.grpo", "0.1.0",
             tsrec::part<tsrec::Trainer, Grpo, tsrec::grpo::Settings>(
                 "grpo", /*revision=*/5,
                 "Group-relative policy optimisation with constrained completions"))
