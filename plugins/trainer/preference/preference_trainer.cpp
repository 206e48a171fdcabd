#include "preference_trainer.hpp"

#include <limits>

#include "loss.hpp"
#include "tsrec/decode/decoder.hpp"
#include "tsrec/nn/label_log_probs.hpp"
#include "tsrec/nn/transfer.hpp"
#include "tsrec/train/examples.hpp"

namespace tsrec::preference {
namespace {

// FNV-1a over what a row asks, what it answers, and how often negatives were replaced. Never 0.
int64_t stamp_of(const CompiledExample& example, int64_t generation) {
  uint64_t hash = 0xCBF29CE484222325;
  const auto mix = [&](uint64_t word) { hash = (hash ^ word) * 0x100000001B3; };
  mix(static_cast<uint64_t>(generation));
  mix(example.prompt.size());
  for (const int32_t token : example.prompt) mix(static_cast<uint64_t>(token));
  for (const int32_t token : example.target) mix(static_cast<uint64_t>(token));
  return static_cast<int64_t>(hash | 1);
}

// Each example's share of the batch's mean, by the weights of their tasks.
torch::Tensor shares_of(const std::vector<CompiledExample>& examples) {
  std::vector<double> weights;
  for (const CompiledExample& example : examples) weights.push_back(example.weight);
  const torch::Tensor weight_P = torch::tensor(weights, torch::kFloat64);
  return (weight_P / weight_P.sum()).to(torch::kFloat32);
}

// What judged() gives, in its order.
constexpr std::array<const char*, 5> kNumbers = {"loss", "margin", "accuracy", "log_prob.chosen",
                                                 "log_prob.rejected"};

}  // namespace

void Settings::declare(Options& o) {
  rows.declare(o);
  o.add("batch_rows", rows.batch_rows).range(1, 1 << 20).unit("rows").help("rows of one update");
  o.add("max_tokens", max_tokens)
      .range(16, 1 << 22)
      .unit("tokens")
      .help(
          "about that many tokens are computed at once; gradients of the parts are added (the same "
          "result, less memory)");
  o.add("negatives", negatives)
      .one_of({"random", "popular", "beam", "hard_prefix"})
      .help(
          "the SIDs that a target is preferred to, never its own. random: all alike; popular: as "
          "often as they are targets of training; beam: the best of a search; hard_prefix: those "
          "that share the longest beginning with the target");
  o.add("beams", beams)
      .range(2, 1024)
      .help("width of the search of negatives = \"beam\"")
      .check([this] {
        return negatives != "beam" || beams > num_negatives
                   ? std::string()
                   : c10::str("beams = ", beams,
                              " finds too few: the target may be among them, so set beams = ",
                              num_negatives + 1, " at least");
      });
  o.add("refresh_every", refresh_every)
      .at_least(0)
      .unit("steps")
      .help(
          "after every so many updates rows that come again get other negatives, beam by the model "
          "of then; 0: they keep theirs, beam by the model of before the first update");
  updater.declare(o);
  train::declare_checkpoint(o, checkpoint);
  train::declare_valid_rows(o, valid_rows);
}

void PreferenceTrainer::check_sids(const SidTable& sids) const {
  const int64_t distinct = sids.num_distinct();
  if (distinct == 1) {
    throw ConfigError(
        "the catalogue has only one SID, so there is no other that a target could be preferred to; "
        "give the quantizer more codes or levels");
  }
  if (settings_.num_negatives >= distinct) {
    throw ConfigError(
        "num_negatives = ", settings_.num_negatives, ", but the catalogue has only ", distinct,
        " SIDs, one of them the target's own; set num_negatives = ", distinct - 1, " at most");
  }
  if (is_searched() && settings_.beams > distinct) {
    throw ConfigError("beams = ", settings_.beams, ", but the catalogue has only ", distinct,
                      " SIDs; set beams = ", distinct, " at most");
  }
}

void PreferenceTrainer::start(const TrainInputs& inputs, Context& context) {
  check_sids(inputs.sids);
  inputs_.emplace(inputs);
  const int64_t num_rows = inputs.examples.size(Split::train);
  if (num_rows == 0) {
    throw ConfigError("the tasks of this ", objective_.name,
                      " stage have no training rows; enable another task, or give the source more "
                      "users");
  }
  answers_.emplace(inputs.trie);
  negatives_.emplace(*answers_, settings_.negatives, inputs.data.train);
  if (negatives_->num_possible() <= settings_.num_negatives) {
    throw ConfigError(
        "negatives = \"popular\" needs ", settings_.num_negatives + 1,
        " SIDs that are targets of training, the target's own among them, and there are ",
        negatives_->num_possible(), "; set negatives = \"random\"");
  }
  train::RowOrderOptions order = settings_.rows;
  order.num_rows = num_rows;
  order_.emplace(std::move(order));
  updater_ =
      std::make_unique<train::ModelUpdater>(inputs.policy, settings_.updater, num_steps(), context);
  if (objective_.has_reference || (is_searched() && settings_.refresh_every == 0))
    reference_ = inputs.policy.clone();
  known_ = {torch::zeros({num_rows}, torch::kInt64),
            torch::zeros({num_rows, settings_.num_negatives}, torch::kInt64),
            torch::zeros({num_rows, num_answers()})};
  train::warn_of_no_validation(inputs.validation, context);
  validation_ = validation(inputs, context);
  context.log(Level::info,
              c10::str(objective_.name, ": ", num_rows, " rows, ", num_steps(), " steps of ",
                       settings_.rows.batch_rows, " rows x ", num_answers(), " answers"));
}

void PreferenceTrainer::step(int64_t index, Context& context) {
  const std::span<const int64_t> rows = order_->rows(index, context);
  const Comparisons batch = compared(rows, index, context);
  const std::vector<Range> parts = parts_of(batch.examples);
  const torch::Tensor share_P = shares_of(batch.examples);
  std::vector<torch::Tensor> numbers_P(parts.size());
  std::vector<int64_t> tokens_P(parts.size());
  updater_->accumulate(parts.size(), [&](const nn::LanguageModel& policy, size_t p) {
    const nn::PackedBatch answers = packed(inputs_->examples, batch, parts[p]);
    const torch::Tensor log_prob_PA = log_probs(policy, answers, parts[p].size(), context);
    const torch::Tensor numbers = judged(log_prob_PA, batch, parts[p], share_P);
    numbers[0].backward();
    numbers_P[p] = numbers.detach();
    tokens_P[p] = answers.num_tokens();
  });
  const torch::Tensor numbers = torch::stack(numbers_P).sum(0).cpu();  // this waits for a device
  updater_->predict_memory(
      {.tokens = *std::max_element(tokens_P.begin(), tokens_P.end()) *
                 std::min(updater_->num_workers(), static_cast<int64_t>(parts.size())),
       .models = reference_ ? 1 : 0,
       .checkpoint = settings_.checkpoint},
      context);
  updater_->update(index, numbers[0].item<double>(), rows, context);
  for (size_t k = 0; k < kNumbers.size(); ++k) {
    context.number(std::string("train.") + kNumbers[k],
                   numbers[static_cast<int64_t>(k)].item<double>(), index);
  }
  updater_->report(index, context);
  context.count("rows", static_cast<int64_t>(batch.examples.size()));
}

Numbers PreferenceTrainer::validate(Context& context) {
  const torch::NoGradGuard no_grad;
  const std::vector<Range> parts = parts_of(validation_.examples);
  if (parts.empty()) return {};
  const auto P = static_cast<int64_t>(validation_.examples.size());
  const torch::Tensor share_P = torch::full({P}, 1.0 / static_cast<double>(P));
  std::vector<torch::Tensor> numbers_P(parts.size());
  updater_->visit(parts.size(), [&](const nn::LanguageModel& policy, size_t p) {
    const nn::PackedBatch answers = packed(inputs_->validation, validation_, parts[p]);
    numbers_P[p] = judged(log_probs(policy, answers, parts[p].size(), context), validation_,
                          parts[p], share_P);
  });
  const torch::Tensor sums = torch::stack(numbers_P).sum(0).cpu();
  Numbers numbers;
  for (size_t k = 0; k < kNumbers.size(); ++k)
    numbers.push_back({kNumbers[k], sums[static_cast<int64_t>(k)].item<double>(), {}});
  return numbers;
}

void PreferenceTrainer::save_state(ArtifactWriter& writer) const {
  updater_->save(writer);
  writer.tensor("known.stamp", known_.stamp_R);
  writer.tensor("known.negative", known_.negative_RN);
  writer.tensor("known.reference", known_.reference_RA);
}

void PreferenceTrainer::load_state(const ArtifactReader& reader) {
  updater_->load(reader);
  known_ = {reader.tensor("known.stamp"), reader.tensor("known.negative"),
            reader.tensor("known.reference")};
}

Comparisons PreferenceTrainer::validation(const TrainInputs& inputs, Context& context) const {
  const ExampleSet& set = inputs.validation;
  if (set.size(Split::valid) == 0) return {};
  const std::vector<int64_t> rows = train::validation_rows(set, settings_.valid_rows);
  return answered(
      set, train::examples_at(set, Split::valid, rows, /*epoch=*/0), /*by_policy=*/true,
      [&](size_t p) { return context.generator("validation negatives", rows[p]); }, context);
}

// The rows of a step: what is known of them, and what has to be found out first.
Comparisons PreferenceTrainer::compared(std::span<const int64_t> rows, int64_t index,
                                        Context& context) {
  const int64_t generation = settings_.refresh_every > 0 ? index / settings_.refresh_every : 0;
  Comparisons batch{
      train::examples_at(inputs_->examples, Split::train, rows, order_->epoch_of(index)), {}, {}};
  std::vector<int64_t> unknown, stamps;
  std::vector<CompiledExample> asked;
  for (size_t p = 0; p < rows.size(); ++p) {
    const int64_t stamp = stamp_of(batch.examples[p], generation);
    if (known_.stamp_R[rows[p]].item<int64_t>() == stamp) continue;
    unknown.push_back(rows[p]);
    stamps.push_back(stamp);
    asked.push_back(batch.examples[p]);
  }
  if (!asked.empty()) {
    const Comparisons found = answered(
        inputs_->examples, std::move(asked), /*by_policy=*/settings_.refresh_every > 0,
        [&](size_t p) { return context.generator("negatives", generation, unknown[p]); }, context);
    const torch::Tensor row_U = torch::tensor(unknown);
    known_.stamp_R.index_copy_(0, row_U, torch::tensor(stamps));
    known_.negative_RN.index_copy_(0, row_U, found.negative_PN);
    if (objective_.has_reference) known_.reference_RA.index_copy_(0, row_U, found.reference_PA);
  }
  const torch::Tensor row_P = torch::tensor(std::vector<int64_t>(rows.begin(), rows.end()));
  batch.negative_PN = known_.negative_RN.index_select(0, row_P);
  if (objective_.has_reference) batch.reference_PA = known_.reference_RA.index_select(0, row_P);
  return batch;
}

// Chooses the negatives of these rows, and asks the reference about all answers. by_policy: a
// search asks the model as it is now, not that of the beginning.
Comparisons PreferenceTrainer::answered(const ExampleSet& set,
                                        std::vector<CompiledExample> examples, bool by_policy,
                                        const GeneratorOf& generator, Context& context) const {
  const torch::NoGradGuard no_grad;
  Comparisons batch{std::move(examples), {}, {}};
  const auto P = static_cast<int64_t>(batch.examples.size());
  batch.negative_PN = torch::empty({P, settings_.num_negatives}, torch::kInt64);
  for (size_t p = 0; p < batch.examples.size(); ++p) {
    const int64_t target = chosen(set, batch.examples[p]);
    if (is_searched()) continue;
    const auto drawn = negatives_->draw(target, settings_.num_negatives, generator(p));
    batch.negative_PN[static_cast<int64_t>(p)].copy_(torch::tensor(drawn));
  }
  const std::vector<Range> parts = parts_of(batch.examples);
  std::vector<torch::Tensor> reference_P(parts.size());
  updater_->visit(parts.size(), [&](const nn::LanguageModel& policy, size_t p) {
    if (is_searched()) search(by_policy ? policy : *reference_, set, batch, parts[p], context);
    if (!objective_.has_reference) return;
    reference_P[p] = log_probs(*reference_, packed(set, batch, parts[p]), parts[p].size(), context);
  });
  if (objective_.has_reference) batch.reference_PA = torch::cat(reference_P).cpu();
  return batch;
}

// The model's best answers but the target.
void PreferenceTrainer::search(const nn::LanguageModel& model, const ExampleSet& set,
                               Comparisons& batch, Range rows, Context& context) const {
  const decode::Decoder decoder(model, inputs_->trie, {.beams = settings_.beams});
  std::vector<std::vector<int32_t>> prompts;
  for (size_t p = rows.begin; p < rows.end; ++p) prompts.push_back(batch.examples[p].prompt);
  const Rollouts best = decoder.roll_out(decoder.prefill(prompts, context), std::nullopt, context);
  for (size_t p = rows.begin; p < rows.end; ++p) {
    const int64_t target = chosen(set, batch.examples[p]);
    std::vector<int64_t> found;
    for (const std::vector<int32_t>& tokens : best.token_BG[p - rows.begin]) {
      const int64_t answer = answers_->find(tokens);
      if (answer != target) found.push_back(answer);
    }
    found.resize(static_cast<size_t>(settings_.num_negatives));  // beams are more than that
    batch.negative_PN[static_cast<int64_t>(p)].copy_(torch::tensor(found));
  }
}

// The answer that an example's target spells.
int64_t PreferenceTrainer::chosen(const ExampleSet& set, const CompiledExample& example) const {
  const auto complain = [&](const char* what) {
    throw ConfigError("task '", set.task_names()[static_cast<size_t>(example.task)], "' ", what,
                      "; list the tasks of this stage, for example tasks = [\"next_item\"]");
  };
  if (example.target_item < 0)
    complain(
        "does not answer with an item, so there is no other item that its answer could be "
        "preferred to");
  const size_t forced = std::min(set.suffix(example.task).size(), example.target.size());
  const int64_t answer =
      answers_->find(std::span(example.target).first(example.target.size() - forced));
  if (answer < 0)
    complain(
        "says more in its answer than a SID and what always follows it, so another SID cannot "
        "be put in its place");
  return answer;
}

// Rows that are computed together: about max_tokens each, and work for every worker.
std::vector<PreferenceTrainer::Range> PreferenceTrainer::parts_of(
    const std::vector<CompiledExample>& examples) const {
  std::vector<int64_t> end_P;  // on a line of all tokens
  int64_t total = 0;
  for (const CompiledExample& example : examples) {
    total += static_cast<int64_t>(example.prompt.size()) +
             num_answers() * static_cast<int64_t>(example.target.size());
    end_P.push_back(total);
  }
  const int64_t count =
      std::max(updater_->num_workers(), (total + settings_.max_tokens - 1) / settings_.max_tokens);
  std::vector<Range> parts;
  int64_t part = 1;  // that ends at part / count of the line
  for (size_t p = 0; p < examples.size(); ++p) {
    if (end_P[p] * count < total * part) continue;
    parts.push_back({parts.empty() ? 0 : parts.back().end, p + 1});
    while (end_P[p] * count >= total * part) ++part;
  }
  return parts;
}

// The answers of these rows, row by row, the target first.
nn::PackedBatch PreferenceTrainer::packed(const ExampleSet& set, const Comparisons& batch,
                                          Range rows) const {
  std::vector<std::vector<int32_t>> targets;
  for (size_t p = rows.begin; p < rows.end; ++p) {
    const CompiledExample& example = batch.examples[p];
    targets.push_back(example.target);
    for (int64_t n = 0; n < settings_.num_negatives; ++n) {
      std::vector<int32_t> target =
          answers_->tokens(batch.negative_PN[static_cast<int64_t>(p)][n].item<int64_t>());
      const std::vector<int32_t>& suffix = set.suffix(example.task);
      target.insert(target.end(), suffix.begin(), suffix.end());
      targets.push_back(std::move(target));
    }
  }
  std::vector<nn::TokenRow> answers;
  for (size_t a = 0; a < targets.size(); ++a) {
    const size_t p = rows.begin + a / static_cast<size_t>(num_answers());
    answers.push_back({batch.examples[p].prompt, targets[a]});
  }
  return nn::pack(answers, {.max_tokens = std::numeric_limits<int64_t>::max()}).front();
}

// [P, A]: log p of whole answers, or the mean over their tokens where there is no reference.
torch::Tensor PreferenceTrainer::log_probs(const nn::LanguageModel& model,
                                           const nn::PackedBatch& answers, int64_t num_rows,
                                           Context& context) const {
  nn::ForwardOptions options;
  options.checkpoint = settings_.checkpoint && torch::GradMode::is_enabled();
  const torch::Tensor log_prob_R = nn::label_log_probs(model, answers, options, context);
  const auto reduced = objective_.has_reference ? nn::row_log_prob_sums : nn::row_log_prob_means;
  return reduced(log_prob_R, answers.row_R, num_rows * num_answers())
      .view({num_rows, num_answers()});
}

// kNumbers of these rows, each times its share: [5], the loss with a graph.
torch::Tensor PreferenceTrainer::judged(const torch::Tensor& log_prob_PA, const Comparisons& batch,
                                        Range rows, const torch::Tensor& share_P) const {
  const auto there = [&](const torch::Tensor& x_P) {
    return nn::to_device(
        x_P.slice(0, static_cast<int64_t>(rows.begin), static_cast<int64_t>(rows.end)),
        log_prob_PA.device());
  };
  const torch::Tensor reward_PA =
      objective_.beta *
      (objective_.has_reference ? log_prob_PA - there(batch.reference_PA) : log_prob_PA);
  const torch::Tensor loss_P = preference_loss(reward_PA, objective_.gamma);
  const torch::Tensor ahead_PN = (reward_PA.slice(1, 0, 1) - reward_PA.slice(1, 1)).detach();
  const torch::Tensor known_PA = log_prob_PA.detach();
  const torch::Tensor number_5P =
      torch::stack({loss_P, ahead_PN.mean(1), (ahead_PN > 0).to(torch::kFloat32).mean(1),
                    known_PA.select(1, 0), known_PA.slice(1, 1).mean(1)});
  return (number_5P * there(share_P)).sum(1);
}

}  // namespace tsrec::preference
