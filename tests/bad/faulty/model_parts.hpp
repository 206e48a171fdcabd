// Backbones, initializers, tasks, trainers and rewards with one fault each.
#pragma once

#include "tsrec/parts/causal_backbone.hpp"
#include "tsrec/parts/initializer.hpp"
#include "tsrec/parts/observer.hpp"
#include "tsrec/parts/reward.hpp"
#include "tsrec/parts/task.hpp"
#include "tsrec/parts/trainer.hpp"
#include "tsrec/testing/toy.hpp"

namespace tsrec::bad {

// --- backbone
class ForgetsTokens final : public CausalBackbone {
 public:
  ForgetsTokens(const NoSettings&, Context& context) : CausalBackbone(context) {}
  void prepare(const Items& items, Context& context) override {
    kit::ToyBackbone toy(context);
    toy.prepare(items, context);
    const kit::TempFolder folder;
    toy.save(folder.path());
    load(folder.path());
  }
  void extend(const std::vector<std::string>&, const torch::Tensor&,
              const torch::Tensor&) override {}
};

// --- initializer
template <void (*spoil)(NewRows&)>
class SpoiledRows final : public Initializer {
 public:
  SpoiledRows(const NoSettings&, Context&) {}
  NewRows rows(const InitializerInputs& inputs, Context& context) override {
    NewRows rows =
        fresh_rows(inputs.rows, static_cast<int64_t>(inputs.tokens.tokens().size()), context);
    spoil(rows);
    return rows;
  }
};
inline void one_row_less(NewRows& rows) { rows.input_ED = rows.input_ED.slice(0, 1).clone(); }
inline void rows_of_nan(NewRows& rows) { rows.input_ED.fill_(std::nan("")); }
inline void head_of_a_tied_model(NewRows& rows) { rows.output_ED = rows.input_ED.clone(); }

// --- task: next_item, spoiled
class NextItem : public Task {
 public:
  NextItem(const NoSettings&, Context&) {}
  void prepare(const TaskInputs& inputs, Context&) override { data_ = &inputs.data; }
  int64_t size(Split split) const override { return data_->split(split).size(); }
  Example at(Split split, int64_t index, uint64_t) const override {
    const Samples& samples = data_->split(split);
    Example example;
    example.form = "next_item";
    for (const int64_t item : samples.history(index))
      example.slots["history"].push_back(Piece::sid(item));
    example.sample = index;
    example.target_item = samples.target(index);
    example.slots["answer"] = {Piece::sid(example.target_item)};
    return example;
  }
  std::string form() const override { return "next_item"; }
  bool answers_with_item() const override { return true; }

 private:
  const Dataset* data_ = nullptr;
};

template <void (*spoil)(Example&)>
class SpoiledExamples final : public NextItem {
 public:
  using NextItem::NextItem;
  Example at(Split split, int64_t index, uint64_t draw) const override {
    Example example = NextItem::at(split, index, draw);
    spoil(example);
    return example;
  }
};
inline void no_such_item(Example& example) { example.slots["history"] = {Piece::sid(1000000)}; }
inline void no_such_target(Example& example) { example.target_item = 1000000; }
inline void no_such_sample(Example& example) { example.sample = 1000000; }

class NegativeSize final : public NextItem {
 public:
  using NextItem::NextItem;
  int64_t size(Split) const override { return -1; }
};

class NeedsNotes final : public NextItem {
 public:
  using NextItem::NextItem;
  void prepare(const TaskInputs&, Context&) override {
    throw ConfigError("the task needs an [extractor]");
  }
};

// --- trainer: a walk of the model's first parameter
class Walk : public Trainer {
 public:
  Walk(const NoSettings&, Context&) {}
  void start(const TrainInputs& inputs, Context&) override { policy_ = &inputs.policy; }
  std::vector<nn::Parameter> parameters() override { return policy_->parameters(); }
  int64_t num_steps() const override { return 2; }
  void step(int64_t, Context&) override {
    const torch::NoGradGuard no_grad;
    parameters().front().value.mul_(0.99);
  }
  void save_state(ArtifactWriter&) const override {}
  void load_state(const ArtifactReader&) override {}

 private:
  nn::TrainableModel* policy_ = nullptr;
};

template <Numbers (*measure)()>
class Measures final : public Walk {
 public:
  using Walk::Walk;
  Numbers validate(Context&) override { return measure(); }
};
inline Numbers nothing() { return {}; }
inline Numbers accuracy_alone() { return {{"accuracy", 0.5, {}}}; }
inline Numbers loss_of_nan() { return {{"loss", std::nan(""), {}}}; }

class NegativeSteps final : public Walk {
 public:
  using Walk::Walk;
  int64_t num_steps() const override { return -1; }
};

class NeedsMoreRows final : public Walk {
 public:
  using Walk::Walk;
  void start(const TrainInputs&, Context&) override {
    throw ConfigError("a batch of 1000 rows needs 1000 rows");
  }
};

// --- reward
template <torch::Tensor (*spoil)(torch::Tensor)>
class SpoiledScores final : public Reward {
 public:
  SpoiledScores(const NoSettings&, Context&) {}
  void prepare(const RewardInputs&, Context&) override {}
  torch::Tensor score(const Rollouts& rollouts) const override {
    return spoil(torch::zeros(rollouts.item_BG.sizes()));
  }
};
inline torch::Tensor doubles(torch::Tensor score_BG) { return score_BG.to(torch::kFloat64); }
inline torch::Tensor not_a_number(torch::Tensor score_BG) { return score_BG.fill_(std::nan("")); }
inline torch::Tensor one_for_a_prompt(torch::Tensor score_BG) { return score_BG.mean(1); }

class OverwritesRollouts final : public Reward {
 public:
  OverwritesRollouts(const NoSettings&, Context&) {}
  void prepare(const RewardInputs&, Context&) override {}
  torch::Tensor score(const Rollouts& rollouts) const override {
    torch::Tensor log_prob_BG = rollouts.log_prob_BG;
    return log_prob_BG.neg_().clone();
  }
};

// --- observer
class NoReason final : public Observer {
 public:
  NoReason(const NoSettings&, Context&) {}
  void start(const ObserverInputs&, Context&) override {}
  std::optional<std::string> look(const TrainingStep&, Context&) override { return ""; }
  void save_state(ArtifactWriter&) const override {}
  void load_state(const ArtifactReader&) override {}
};

}  // namespace tsrec::bad
