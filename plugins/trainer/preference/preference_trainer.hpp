// What DPO, S-DPO and SimPO have in common: each row's target is preferred to other answers of the
// catalogue.
//
// A prompt is computed once for all of its answers. What the reference says of a row is asked once
// for as long as the row's negatives stay, and remembered, so that only the first epoch pays for
// it.
#pragma once

#include "negatives.hpp"
#include "tsrec/nn/packed_batch.hpp"
#include "tsrec/parts/trainer.hpp"
#include "tsrec/train/row_order.hpp"
#include "tsrec/train/updater.hpp"

namespace tsrec::preference {

struct Settings {
  train::RowOrderOptions rows = {.batch_rows = 128, .epochs = 3};
  int64_t max_tokens = 8192, valid_rows = 512;
  int64_t num_negatives = 1, refresh_every = 0, beams = 10;
  std::string negatives = "random";
  bool checkpoint = false;
  train::UpdaterOptions updater = {.learning_rate = 1e-5, .schedule = "cosine", .clip = 0.3};

  void declare(Options& options);
};

// How much the policy is for an answer, and by how much it has to be more for the preferred one.
struct Objective {
  std::string name;
  double beta = 1, gamma = 0;
  // beta times log p - log q of whole answers, q the reference's; false: beta times the mean log p
  // of an answer's tokens.
  bool has_reference = true;
};

// Rows with their answers, the target first.
struct Comparisons {
  std::vector<CompiledExample> examples;  // P
  torch::Tensor negative_PN;              // int64 on the CPU: numbers of answers
  torch::Tensor reference_PA;  // float32 on the CPU: log q of each; undefined without a reference
};

class PreferenceTrainer : public Trainer {
 public:
  static constexpr bool kNeedsItemAnswers = true;
  PreferenceTrainer(const Settings& settings, Objective objective)
      : settings_(settings), objective_(std::move(objective)) {}

  void check_sids(const SidTable& sids) const override;
  void start(const TrainInputs& inputs, Context& context) override;
  std::vector<nn::Parameter> parameters() override { return updater_->parameters(); }
  int64_t num_steps() const override { return order_->num_steps(); }
  void step(int64_t index, Context& context) override;
  // On fixed comparisons: their negatives are chosen before the first step.
  Numbers validate(Context& context) override;
  void save_state(ArtifactWriter& writer) const override;
  void load_state(const ArtifactReader& reader) override;

 private:
  struct Range {  // of the rows of a batch
    size_t begin, end;
    auto size() const { return static_cast<int64_t>(end - begin); }
  };
  using GeneratorOf = std::function<at::Generator(size_t row)>;

  // What is known of the training rows from steps before. A row is known as long as it reads the
  // same and its negatives are not to be replaced: stamp_R says what it was known for.
  struct Known {
    torch::Tensor stamp_R, negative_RN, reference_RA;
  };

  bool is_searched() const { return settings_.negatives == "beam"; }
  int64_t num_answers() const { return 1 + settings_.num_negatives; }
  Comparisons validation(const TrainInputs& inputs, Context& context) const;
  Comparisons compared(std::span<const int64_t> rows, int64_t index, Context& context);
  Comparisons answered(const ExampleSet& set, std::vector<CompiledExample> examples, bool by_policy,
                       const GeneratorOf& generator, Context& context) const;
  void search(const nn::LanguageModel& model, const ExampleSet& set, Comparisons& batch, Range rows,
              Context& context) const;
  int64_t chosen(const ExampleSet& set, const CompiledExample& example) const;
  std::vector<Range> parts_of(const std::vector<CompiledExample>& examples) const;
  nn::PackedBatch packed(const ExampleSet& set, const Comparisons& batch, Range rows) const;
  torch::Tensor log_probs(const nn::LanguageModel& model, const nn::PackedBatch& answers,
                          int64_t num_rows, Context& context) const;
  torch::Tensor judged(const torch::Tensor& log_prob_PA, const Comparisons& batch, Range rows,
                       const torch::Tensor& weight_P) const;

  Settings settings_;
  Objective objective_;
  std::optional<TrainInputs> inputs_;
  std::optional<Answers> answers_;
  std::optional<Negatives> negatives_;
  std::optional<train::RowOrder> order_;
  std::unique_ptr<train::ModelUpdater> updater_;
  // The model that the stage began with; null where nothing asks it. A resumed run is given it
  // again.
  std::unique_ptr<nn::TrainableModel> reference_;
  Known known_;
  Comparisons validation_;
};

}  // namespace tsrec::preference
