// GRPO in the style of MiniOneRec: G constrained completions of each prompt, rewards normalised
// inside the group, k3 KL to a reference model.
//
// Each prompt is computed once per model: the rollout reads the policy's keys and values without
// their graph, the teacher-forced completions read the same keys and values with it. One update
// follows one rollout, so the probability ratio is 1 and no old log-probabilities are kept: the
// gradient is -A grad log p plus the KL term.

#include "tsrec/decode/decoder.hpp"
#include "tsrec/nn/label_log_probs.hpp"
#include "tsrec/nn/transfer.hpp"
#include "tsrec/parts/reward.hpp"
#include "tsrec/parts/trainer.hpp"
#include "tsrec/train/examples.hpp"
#include "tsrec/train/row_order.hpp"
#include "tsrec/train/updater.hpp"

namespace {

using namespace tsrec;

struct Settings {
  int64_t epochs = 1, max_steps = 0, batch_prompts = 64, micro_prompts = 64, completions = 16;
  int64_t sync_every = 512, valid_rows = 512;
  double kl = 1e-3, sync_mix = 0.6, temperature = 1;
  std::string rollout = "beam", scoring = "full", advantage = "group_std", positions = "all";
  bool skip_zero_variance = false;
  train::UpdaterOptions updater = {.learning_rate = 1e-5, .schedule = "cosine", .clip = 0.3};
  PartList<Reward> rewards;

  void declare(Options& o) {
    o.add_parts("reward", rewards)
        .weighted()
        .required()
        .help("what scores the completions: the weighted sum of these");
    o.add("epochs", epochs).range(1, 100000).help("passes over the prompts of all tasks");
    o.add("max_steps", max_steps)
        .at_least(0)
        .help("end after this many updates; 0: `epochs` decides");
    o.add("batch_prompts", batch_prompts)
        .range(1, 1 << 16)
        .unit("prompts")
        .help("prompts of one update");
    o.add("micro_prompts", micro_prompts)
        .range(1, 1 << 16)
        .unit("prompts")
        .help(
            "prompts computed at once; gradients of the parts are added (the same result, less "
            "memory)");
    o.add("completions", completions).range(2, 1024).help("G, completions of each prompt");
    o.add("rollout", rollout)
        .one_of({"beam", "sample"})
        .help(
            "beam: the G best SIDs (distinct, a biased estimator); sample: G independent draws of "
            "the policy");
    o.add("scoring", scoring)
        .one_of({"full", "legal"})
        .help(
            "how rollouts are scored: softmax over the whole vocabulary, or over the trie's "
            "children");
    o.add("temperature", temperature).range(0.01, 100).help("of rollout = \"sample\"");
    updater.declare(o);
    o.add("kl", kl).range(0, 100).help(
        "weight of the k3 KL to the reference model; 0: no reference model is kept");
    o.add("sync_every", sync_every)
        .at_least(0)
        .unit("steps")
        .help(
            "updates between moves of the reference towards the policy; 0: it stays the starting "
            "model");
    o.add("sync_mix", sync_mix).range(0, 1).help("share of the policy in the moved reference");
    o.add("advantage", advantage)
        .one_of({"group_std", "mean_only"})
        .help("(reward - mean) / (std + 1e-4) of the group, or reward - mean (Dr. GRPO)");
    o.add("positions", positions)
        .one_of({"all", "codes"})
        .help(
            "tokens of a completion that carry loss: all, or without the forced ones behind the "
            "SID");
    o.add("skip_zero_variance", skip_zero_variance)
        .help(
            "leave out groups whose rewards are all equal; changes the objective: their KL term is "
            "dropped");
    o.add("valid_rows", valid_rows)
        .at_least(0)
        .unit("rows")
        .help("validate on that many evenly spaced prompts; 0: on all");
  }
};

// A_i = (r_i - mean) / (std + 1e-4), the standard deviation with G - 1 (method of MiniOneRec and
// TRL).
torch::Tensor group_advantages(const torch::Tensor& reward_BG, const std::string& kind) {
  const torch::Tensor centred_BG = reward_BG - reward_BG.mean(/*dim=*/1, /*keepdim=*/true);
  if (kind == "mean_only") return centred_BG;
  return centred_BG / (reward_BG.std(/*dim=*/1, /*unbiased=*/true, /*keepdim=*/true) + 1e-4);
}

// k3 = exp(q - p) - (q - p) - 1 >= 0, p and q the policy's and the reference's log-probability
// (Schulman, 2020).
torch::Tensor k3(const torch::Tensor& policy_R, const torch::Tensor& reference_R) {
  const torch::Tensor difference_R = reference_R - policy_R;
  return difference_R.exp() - difference_R - 1;
}

class Grpo final : public Trainer {
 public:
  static constexpr bool kNeedsItemAnswers = true;
  Grpo(const Settings& settings, Context&) : settings_(settings) {}

  void check_sids(const SidTable& sids) const override {
    const std::vector<int64_t> group_N = sids.group_N();
    const int64_t distinct = *std::max_element(group_N.begin(), group_N.end()) + 1;
    if (settings_.rollout == "sample" || settings_.completions <= distinct) return;
    throw ConfigError("completions = ", settings_.completions, ", but the catalogue has only ",
                      distinct, " SIDs, and rollout = \"beam\" gives each of them once; set ",
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
    }
    order_.emplace(train::RowOrderOptions{.num_rows = num_rows,
                                          .batch_rows = settings_.batch_prompts,
                                          .epochs = settings_.epochs,
                                          .max_steps = settings_.max_steps});
    updater_ = std::make_unique<train::ModelUpdater>(inputs.policy, settings_.updater, num_steps(),
                                                     context);
    if (settings_.kl > 0) reference_ = inputs.policy.clone();
    train::warn_of_no_validation(inputs.validation, context);
    context.log(Level::info, c10::str("grpo: ", num_rows, " prompts, ", num_steps(), " steps of ",
                                      settings_.batch_prompts, " prompts x ", settings_.completions,
                                      " completions"));
  }

  std::vector<nn::Parameter> parameters() override { return updater_->parameters(); }
  int64_t num_steps() const override { return order_->num_steps(); }

  void step(int64_t index, Context& context) override {
    const std::span<const int64_t> rows = order_->rows(index, context);
    const std::vector<CompiledExample> examples =
        train::examples_at(inputs_->examples, Split::train, rows, order_->epoch_of(index));
    refuse_texts(examples);
    const auto parts = parts_of(examples);
    std::vector<StepNumbers> numbers_P(parts.size(), StepNumbers(rewards_.size()));
    updater_->accumulate(parts.size(), [&](const nn::LanguageModel& policy, size_t p) {
      accumulate(policy, parts[p], static_cast<double>(examples.size()),
                 context.generator("rollout", index, static_cast<int64_t>(p)), numbers_P[p],
                 context);
    });
    StepNumbers numbers(rewards_.size());
    for (const StepNumbers& part : numbers_P) numbers.add(part);
    updater_->predict_memory(
        numbers.tokens * std::min(updater_->num_workers(), static_cast<int64_t>(parts.size())),
        /*checkpoint=*/false, /*models=*/reference_ ? 1 : 0, context);
    updater_->update(index, numbers.loss, rows, context);
    if (reference_ && settings_.sync_every > 0 && (index + 1) % settings_.sync_every == 0)
      move_reference();
    report(numbers, index, context);
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
    const auto parts = parts_of(examples);
    std::vector<StepNumbers> numbers_P(parts.size(), StepNumbers(rewards_.size()));
    updater_->visit(parts.size(), [&](const nn::LanguageModel& policy, size_t p) {
      const decode::Decoder decoder = decoder_for(policy, set, parts[p].front().task);
      const nn::Prefilled prompts = decoder.prefill(prompts_of(parts[p]), context);
      rewards_of(rolled_out(decoder, prompts, parts[p], inputs_->data.valid,
                            context.generator("validation", 0, static_cast<int64_t>(p)), context),
                 numbers_P[p]);
    });
    StepNumbers numbers(rewards_.size());
    for (const StepNumbers& part : numbers_P) numbers.add(part);
    return {{"loss", -numbers.mean_reward(), {}},
            {"reward", numbers.mean_reward(), {}},
            {"zero_variance", numbers.zero_variance / numbers.groups, {}}};
  }

  void save_state(ArtifactWriter& writer) const override {
    updater_->save(writer);
    if (!reference_) return;
    ArtifactWriter values(writer.folder("reference"));
    nn::save_values(reference_->parameters(), values);
    values.close();
  }
  void load_state(const ArtifactReader& reader) override {
    updater_->load(reader);
    if (reference_)
      nn::load_values(reference_->parameters(), ArtifactReader(reader.folder("reference")));
  }

 private:
  // Sums over the groups of one step; what they mean is said where report() names them.
  struct StepNumbers {
    explicit StepNumbers(size_t num_rewards) : reward(num_rewards, 0.0) {}
    std::vector<double> reward;  // unweighted means per reward function, summed over groups
    double total = 0, groups = 0, zero_variance = 0, advantage = 0, loss = 0, kl = 0, labels = 0;
    int64_t tokens = 0;  // with a graph, of the largest part
    double mean_reward() const { return total / groups; }
    void add(const StepNumbers& part) {
      for (size_t k = 0; k < reward.size(); ++k) reward[k] += part.reward[k];
      total += part.total;
      groups += part.groups;
      zero_variance += part.zero_variance;
      advantage += part.advantage;
      loss += part.loss;
      kl += part.kl;
      labels += part.labels;
      tokens = std::max(tokens, part.tokens);
    }
  };

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
  std::vector<std::vector<CompiledExample>> parts_of(
      const std::vector<CompiledExample>& examples) const {
    const int64_t share = (static_cast<int64_t>(examples.size()) + updater_->num_workers() - 1) /
                          updater_->num_workers();
    const auto most = static_cast<size_t>(std::min(settings_.micro_prompts, share));
    std::map<int32_t, std::vector<CompiledExample>> by_task;
    for (const CompiledExample& example : examples) by_task[example.task].push_back(example);
    std::vector<std::vector<CompiledExample>> parts;
    for (const auto& [task, rows] : by_task) {
      for (size_t begin = 0; begin < rows.size(); begin += most) {
        const size_t end = std::min(rows.size(), begin + most);
        parts.emplace_back(rows.begin() + static_cast<std::ptrdiff_t>(begin),
                           rows.begin() + static_cast<std::ptrdiff_t>(end));
      }
    }
    return parts;
  }

  decode::Decoder decoder_for(const nn::LanguageModel& model, const ExampleSet& set,
                              int32_t task) const {
    decode::DecodeOptions options;
    options.scoring = settings_.scoring == "full" ? decode::Scoring::full : decode::Scoring::legal;
    options.search = settings_.rollout == "beam" ? decode::Search::beam : decode::Search::sample;
    options.beams = settings_.completions;
    options.temperature = settings_.temperature;
    if (settings_.positions == "all") options.suffix = set.suffix(task);
    return {model, inputs_->trie, options};
  }

  static std::vector<std::vector<int32_t>> prompts_of(
      const std::vector<CompiledExample>& examples) {
    std::vector<std::vector<int32_t>> prompts;
    for (const CompiledExample& example : examples) prompts.push_back(example.prompt);
    return prompts;
  }

  Rollouts rolled_out(const decode::Decoder& decoder, const nn::Prefilled& prompts,
                      const std::vector<CompiledExample>& examples, const Samples& rows,
                      at::Generator generator, Context& context) const {
    Rollouts rollouts = decoder.roll_out(prompts, std::move(generator), context);
    train::describe_prompts(rollouts, examples, rows);
    return rollouts;
  }

  // Weighted sum of the rewards, [B, G]. Workers ask side by side: score() is thread-safe.
  torch::Tensor rewards_of(const Rollouts& rollouts, StepNumbers& numbers) {
    torch::Tensor total_BG = torch::zeros_like(rollouts.log_prob_BG);
    for (size_t k = 0; k < rewards_.size(); ++k) {
      const torch::Tensor reward_BG = rewards_[k]->score(rollouts);
      numbers.reward[k] += reward_BG.mean(/*dim=*/1).sum().item<double>();
      total_BG += settings_.rewards.weight(k) * reward_BG;
    }
    numbers.total += total_BG.mean(/*dim=*/1).sum().item<double>();
    numbers.groups += static_cast<double>(total_BG.size(0));
    numbers.zero_variance += static_cast<double>(is_flat(total_BG).sum().item<int64_t>());
    return total_BG;
  }

  static torch::Tensor is_flat(const torch::Tensor& reward_BG) {
    return reward_BG.amax(/*dim=*/1) == reward_BG.amin(/*dim=*/1);
  }

  // Adds the gradient of mean_i( sum_t l_it / |o_i| ), l = -(A - kl D), over the completions of
  // these prompts.
  void accumulate(const nn::LanguageModel& policy, const std::vector<CompiledExample>& examples,
                  double num_prompts, at::Generator generator, StepNumbers& numbers,
                  Context& context) {
    const decode::Decoder decoder = decoder_for(policy, inputs_->examples, examples.front().task);
    const auto prompt_ids = prompts_of(examples);
    const nn::Prefilled prompts = decoder.prefill(prompt_ids, context);
    const Rollouts rollouts =
        rolled_out(decoder, prompts, examples, inputs_->data.train, std::move(generator), context);
    const torch::Tensor reward_BG = rewards_of(rollouts, numbers);
    torch::Tensor advantage_BG = group_advantages(reward_BG, settings_.advantage);
    numbers.advantage += advantage_BG.abs().mean(/*dim=*/1).sum().item<double>();

    const nn::PackedBatch tree = decoder.tree(prompts, rollouts);
    numbers.tokens = prompts.state->num_tokens() + tree.num_tokens();
    const torch::Tensor policy_R = nn::label_log_probs(policy, prompts, tree, context);
    const torch::Device device = policy_R.device();
    // Each completion counts alike, whatever its length; each prompt has G of them.
    const int64_t num_completions = advantage_BG.numel();
    torch::Tensor weight_C =
        torch::ones({num_completions}) /
        torch::bincount(tree.row_R, /*weights=*/{}, num_completions).clamp_min(1) /
        (num_prompts * static_cast<double>(settings_.completions));
    if (settings_.skip_zero_variance) {
      weight_C *= is_flat(reward_BG)
                      .logical_not()
                      .repeat_interleave(settings_.completions)
                      .to(torch::kFloat32);
    }
    const torch::Tensor weight_R = nn::to_device(weight_C.index_select(0, tree.row_R), device);
    const torch::Tensor advantage_R =
        nn::to_device(advantage_BG.reshape({-1}).index_select(0, tree.row_R), device);
    // exp(p - p) = 1 carries the gradient of the ratio.
    torch::Tensor loss_R = -(policy_R - policy_R.detach()).exp() * advantage_R;
    torch::Tensor kl_R;
    if (reference_) {
      kl_R =
          k3(policy_R, reference_log_probs(prompt_ids, rollouts, examples.front().task, context));
      loss_R = loss_R + settings_.kl * kl_R;
    }
    const torch::Tensor loss = (loss_R * weight_R).sum();
    loss.backward();
    // Read last, and at once: this waits for a device.
    const torch::Tensor kl = kl_R.defined() ? kl_R.sum() : torch::zeros_like(loss);
    const torch::Tensor read = torch::stack({loss, kl}).detach().cpu();
    numbers.loss += read[0].item<double>();
    numbers.kl += read[1].item<double>();
    if (kl_R.defined()) numbers.labels += static_cast<double>(kl_R.size(0));
  }

  torch::Tensor reference_log_probs(const std::vector<std::vector<int32_t>>& prompt_ids,
                                    const Rollouts& rollouts, int32_t task,
                                    Context& context) const {
    const torch::NoGradGuard no_grad;
    const decode::Decoder decoder = decoder_for(*reference_, inputs_->examples, task);
    const nn::Prefilled prompts = decoder.prefill(prompt_ids, context);
    return nn::label_log_probs(*reference_, prompts, decoder.tree(prompts, rollouts), context);
  }

  // reference <- (1 - sync_mix) reference + sync_mix policy
  void move_reference() {
    const torch::NoGradGuard no_grad;
    const auto policy = inputs_->policy.parameters();
    const auto reference = reference_->parameters();
    for (size_t i = 0; i < policy.size(); ++i)
      reference[i].value.lerp_(policy[i].value, settings_.sync_mix);
  }

  void report(const StepNumbers& numbers, int64_t index, Context& context) const {
    context.number("train.reward", numbers.mean_reward(), index);
    for (size_t k = 0; k < numbers.reward.size(); ++k) {
      context.number("train.reward." + settings_.rewards.name(k),
                     numbers.reward[k] / numbers.groups, index);
    }
    context.number("train.zero_variance", numbers.zero_variance / numbers.groups, index);
    context.number("train.advantage", numbers.advantage / numbers.groups, index);
    if (numbers.labels > 0) context.number("train.kl", numbers.kl / numbers.labels, index);
  }

  Settings settings_;
  std::optional<TrainInputs> inputs_;
  std::vector<std::shared_ptr<const Reward>> rewards_;
  std::optional<train::RowOrder> order_;
  std::unique_ptr<train::ModelUpdater> updater_;
  std::unique_ptr<nn::TrainableModel> reference_;  // null when kl = 0
};

}  // namespace

TSREC_PLUGIN("tsrec.grpo", "0.1.0",
             tsrec::part<tsrec::Trainer, Grpo, Settings>(
                 "grpo", /*revision=*/2,
                 "Group-relative policy optimisation with constrained completions"))
