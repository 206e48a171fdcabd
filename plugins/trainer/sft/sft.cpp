// Supervised fine-tuning: next-token cross entropy on the response tokens of the enabled tasks
// (paper Eq. 5).
//
// Rows are packed without padding, shared prefixes are computed once, and the head runs only where
// a label is.
#include "tsrec/nn/label_log_probs.hpp"
#include "tsrec/nn/transfer.hpp"
#include "tsrec/parts/trainer.hpp"
#include "tsrec/train/examples.hpp"
#include "tsrec/train/row_order.hpp"
#include "tsrec/train/task_means.hpp"
#include "tsrec/train/updater.hpp"

namespace {

using namespace tsrec;

struct Settings {
  train::RowOrderOptions rows = {
      .batch_rows = 1024, .epochs = 3, .cut = train::RowOrderOptions::Cut::even};
  int64_t max_tokens = 8192, valid_rows = 0;
  double dropout = 0;
  std::string normalize = "token", order = "rows";
  bool share_prefix = true, checkpoint = false;
  train::UpdaterOptions updater = {.learning_rate = 3e-4, .warmup_steps = 20};

  void declare(Options& o) {
    rows.declare(o);
    o.add("batch_rows", rows.batch_rows).range(1, 1 << 20).unit("rows").help("rows of one update");
    o.add("max_tokens", max_tokens)
        .range(16, 1 << 22)
        .unit("tokens")
        .help(
            "tokens computed at once; a larger batch is split and its gradients added (the same "
            "result, less memory)");
    updater.declare(o);
    o.add("dropout", dropout)
        .range(0, 0.9)
        .help("drop probability on the residual branches while training");
    o.add("normalize", normalize)
        .one_of({"token", "sequence", "task"})
        .help(
            "what a batch's loss is the mean of: response tokens (long answers dominate), rows, or "
            "per-task token means "
            "weighted by each task's weight");
    o.add("order", order)
        .one_of({"rows", "users"})
        .help(
            "shuffle single rows, or whole users, whose rows then share their history's "
            "computation");
    o.add("share_prefix", share_prefix)
        .not_in_key()
        .help(
            "compute the tokens that rows of a batch begin with only once (the same result up to "
            "rounding)");
    train::declare_checkpoint(o, checkpoint);
    train::declare_valid_rows(o, valid_rows);
  }
};

class Sft final : public Trainer {
 public:
  Sft(const Settings& settings, Context&) : settings_(settings) {}

  void start(const TrainInputs& inputs, Context& context) override {
    inputs_.emplace(inputs);
    const int64_t num_rows = inputs.examples.size(Split::train);
    if (num_rows == 0) {
      throw ConfigError(
          "the tasks of this sft stage have no training rows; enable another task, or give the "
          "source more users");
    }
    order_.emplace(row_order(num_rows));
    updater_ = std::make_unique<train::ModelUpdater>(inputs.policy, settings_.updater, num_steps(),
                                                     context);
    train::warn_of_no_validation(inputs.validation, context);
    context.log(Level::info, c10::str("sft: ", num_rows, " rows, ", order_->steps_per_epoch(),
                                      " steps an epoch, ", num_steps(), " steps"));
  }

  std::vector<nn::Parameter> parameters() override { return updater_->parameters(); }
  int64_t num_steps() const override { return order_->num_steps(); }

  void step(int64_t index, Context& context) override {
    const std::span<const int64_t> rows = order_->rows(index, context);
    const std::vector<CompiledExample> examples =
        train::examples_at(inputs_->examples, Split::train, rows, order_->epoch_of(index));
    const std::vector<nn::PackedBatch> packs = packed(examples);
    if (packs.empty()) return;  // the rows of one user filled the step before as well
    const torch::Tensor label_weight_B = torch::tensor(label_weights_of(examples));
    updater_->predict_memory({.tokens = tokens_at_once(packs), .checkpoint = settings_.checkpoint},
                             context);
    std::vector<torch::Tensor> log_prob_PR(packs.size());
    updater_->accumulate(packs.size(), [&](const nn::LanguageModel& model, size_t p) {
      nn::ForwardOptions options;
      options.checkpoint = settings_.checkpoint;
      options.dropout = settings_.dropout;
      // Adapters of the model may drop as well.
      options.generator = context.generator("dropout", index, static_cast<int64_t>(p));
      const torch::Tensor log_prob_R = nn::label_log_probs(model, packs[p], options, context);
      const torch::Tensor weight_R = label_weight_B.index_select(0, packs[p].row_R);
      (-(log_prob_R * nn::to_device(weight_R, log_prob_R.device())).sum()).backward();
      log_prob_PR[p] = log_prob_R.detach();
    });
    train::TaskMeans losses(inputs_->examples.task_names());
    losses.add_losses(packs, log_prob_PR, examples);
    updater_->update(index, losses.mean(), rows, context);
    for (const Number& number : losses.numbers("train.loss"))
      context.number(number.name, number.value, index);
    updater_->report(index, context);
    context.count("rows", static_cast<int64_t>(examples.size()));
  }

  Numbers validate(Context& context) override {
    const torch::NoGradGuard no_grad;
    const ExampleSet& set = inputs_->validation;
    if (set.size(Split::valid) == 0) return {};
    const std::vector<int64_t> rows = train::validation_rows(set, settings_.valid_rows);
    train::TaskMeans losses(set.task_names());
    constexpr size_t kRowsAtOnce = 512;
    for (size_t begin = 0; begin < rows.size(); begin += kRowsAtOnce) {
      const std::vector<CompiledExample> examples = train::examples_at(
          set, Split::valid,
          std::span(rows).subspan(begin, std::min(kRowsAtOnce, rows.size() - begin)), /*epoch=*/0);
      const std::vector<nn::PackedBatch> packs = packed(examples);
      std::vector<torch::Tensor> log_prob_PR(packs.size());
      updater_->visit(packs.size(), [&](const nn::LanguageModel& model, size_t p) {
        log_prob_PR[p] = nn::label_log_probs(model, packs[p], {}, context);
      });
      losses.add_losses(packs, log_prob_PR, examples);
    }
    return losses.numbers("loss");
  }

  void save_state(ArtifactWriter& writer) const override { updater_->save(writer); }
  void load_state(const ArtifactReader& reader) override { updater_->load(reader); }

 private:
  train::RowOrderOptions row_order(int64_t num_rows) const {
    train::RowOrderOptions order = settings_.rows;
    order.num_rows = num_rows;
    if (settings_.order == "users") {
      order.group = [&examples = inputs_->examples](int64_t row, int64_t epoch) {
        return examples.group(Split::train, row, epoch);
      };
    }
    return order;
  }

  // Weight of each label of example e, so that the weighted sum of -log p is the batch's loss
  // whatever the packing.
  std::vector<float> label_weights_of(const std::vector<CompiledExample>& examples) const {
    const bool by_token = settings_.normalize == "token", by_task = settings_.normalize == "task";
    std::vector<double> labels_of_task(inputs_->examples.task_names().size(), 0.0);
    std::vector<double> weight_of_task(labels_of_task.size(), 0.0);
    double total_weight = 0;
    for (const CompiledExample& example : examples) {
      const double labels = static_cast<double>(example.target.size());
      labels_of_task[static_cast<size_t>(example.task)] += labels;
      weight_of_task[static_cast<size_t>(example.task)] = example.weight;
      total_weight += by_token ? example.weight * labels : example.weight;
    }
    const double total_task_weight =
        std::accumulate(weight_of_task.begin(), weight_of_task.end(), 0.0);
    std::vector<float> weights;
    for (const CompiledExample& example : examples) {
      double weight = example.weight / total_weight;
      if (by_task) {
        weight =
            example.weight / total_task_weight / labels_of_task[static_cast<size_t>(example.task)];
      } else if (!by_token) {
        weight /= static_cast<double>(example.target.size());
      }
      weights.push_back(static_cast<float>(weight));
    }
    return weights;
  }

  // That have a graph at one time: of every worker one part.
  int64_t tokens_at_once(const std::vector<nn::PackedBatch>& packs) const {
    const auto workers = static_cast<size_t>(updater_->num_workers());
    int64_t most = 0;
    for (size_t first = 0; first < packs.size(); first += workers) {
      int64_t tokens = 0;
      for (size_t p = first; p < std::min(packs.size(), first + workers); ++p)
        tokens += packs[p].num_tokens();
      most = std::max(most, tokens);
    }
    return most;
  }

  std::vector<nn::PackedBatch> packed(const std::vector<CompiledExample>& examples) const {
    return nn::pack(examples, {.max_tokens = settings_.max_tokens,
                               .share_prefix = settings_.share_prefix,
                               .parts = updater_->num_workers()});
  }

  Settings settings_;
  std::optional<TrainInputs> inputs_;
  std::optional<train::RowOrder> order_;
  std::unique_ptr<train::ModelUpdater> updater_;
};

}  // namespace

TSREC_PLUGIN("tsrec.sft", "0.1.0",
             tsrec::part<tsrec::Trainer, Sft, Settings>(
                 "sft", /*revision=*/6,
                 "Supervised fine-tuning on the response tokens of the enabled tasks"))
