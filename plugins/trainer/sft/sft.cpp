// Supervised fine-tuning: next-token cross entropy on the response tokens of the enabled tasks
// (paper Eq. 5).
//
// Rows are packed without padding, shared prefixes are computed once, and the head runs only where
// a label is.
#include "tsrec/nn/replicas.hpp"
#include "tsrec/nn/transfer.hpp"
#include "tsrec/nn/work.hpp"
#include "tsrec/parts/trainer.hpp"

namespace {

using namespace tsrec;

struct Settings {
  int64_t epochs = 3, max_steps = 0, batch_rows = 1024, warmup_steps = 20, max_tokens = 8192;
  int64_t valid_rows = 0;
  double learning_rate = 3e-4, floor = 0, weight_decay = 0, beta2 = 0.999, clip = 1, dropout = 0;
  std::string schedule = "linear", normalize = "token", order = "rows";
  bool share_prefix = true, checkpoint = false, master_weights = true;

  void declare(Options& o) {
    o.add("epochs", epochs).range(1, 100000).help("passes over the rows of all tasks");
    o.add("max_steps", max_steps)
        .at_least(0)
        .help("end after this many updates; 0: `epochs` decides");
    o.add("batch_rows", batch_rows).range(1, 1 << 20).unit("rows").help("rows of one update");
    o.add("max_tokens", max_tokens)
        .range(16, 1 << 22)
        .unit("tokens")
        .help(
            "tokens computed at once; a larger batch is split and its gradients added (the same "
            "result, less memory)");
    o.add("learning_rate", learning_rate).range(0, 10).help("peak learning rate of AdamW");
    o.add("schedule", schedule)
        .one_of({"linear", "cosine", "constant"})
        .help("how the learning rate falls after the warm-up");
    o.add("warmup_steps", warmup_steps).at_least(0).unit("steps").help("updates of linear warm-up");
    o.add("floor", floor).range(0, 1).help("share of the peak rate at which the cosine ends");
    o.add("weight_decay", weight_decay).range(0, 10).help("decoupled decay of matrices");
    o.add("beta2", beta2).range(0, 1).help("decay of AdamW's second moment");
    o.add("clip", clip).at_least(0).help("largest gradient norm; 0: never scaled");
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
    o.add("checkpoint", checkpoint)
        .not_in_key()
        .help(
            "keep only the input of each block and compute the block again in backward: the same "
            "result, a fraction of the memory, a third more work");
    o.add("master_weights", master_weights)
        .help(
            "under bfloat16: float32 master weights and moments; false: all in bfloat16, as the "
            "reference code trains");
    o.add("valid_rows", valid_rows)
        .at_least(0)
        .unit("rows")
        .help("validate on that many evenly spaced rows; 0: on all");
  }
};

// Sum and count of something per task.
struct TaskMeans {
  explicit TaskMeans(size_t num_tasks) : sum(num_tasks, 0.0), count(num_tasks, 0.0) {}
  std::vector<double> sum, count;
  void add(int32_t task, double value, double weight) {
    sum[static_cast<size_t>(task)] += weight * value;
    count[static_cast<size_t>(task)] += weight;
  }
};

class Sft final : public Trainer {
 public:
  Sft(const Settings& settings, Context&) : settings_(settings) {}

  void start(const TrainInputs& inputs, Context& context) override {
    inputs_.emplace(inputs);
    num_rows_ = inputs.examples.size(Split::train);
    if (num_rows_ == 0) {
      throw ConfigError(
          "the tasks of this sft stage have no training rows; enable another task, or give the "
          "source more users",
          "");
    }
    steps_per_epoch_ = (num_rows_ + settings_.batch_rows - 1) / settings_.batch_rows;
    parameters_ = std::make_unique<nn::FlatParameters>(inputs.policy.parameters());
    optimizer_ = std::make_unique<nn::AdamW>(
        *parameters_, nn::AdamWOptions{.beta2 = settings_.beta2,
                                       .weight_decay = settings_.weight_decay,
                                       .float32_state = settings_.master_weights});
    workers_ =
        std::make_unique<nn::ModelWorkers<Backbone>>(inputs.policy, *parameters_, context.device());
    context.log(Level::info, c10::str("sft: ", num_rows_, " rows, ", steps_per_epoch_,
                                      " steps an epoch, ", num_steps(), " steps"));
  }

  int64_t num_steps() const override {
    const int64_t steps = settings_.epochs * steps_per_epoch_;
    return settings_.max_steps > 0 ? std::min(settings_.max_steps, steps) : steps;
  }

  void step(int64_t index, Context& context) override {
    const std::vector<CompiledExample> examples = batch(index, context);
    if (examples.empty()) return;  // the rows of one user filled the step before as well
    const std::vector<float> label_weights = label_weights_of(examples);
    const std::vector<nn::PackedBatch> packs = packed(examples);
    std::vector<torch::Tensor> log_prob_PR(packs.size());
    workers_->accumulate(packs.size(), [&](const Backbone& model, size_t p) {
      nn::ForwardOptions options;
      options.checkpoint = settings_.checkpoint;
      options.dropout = settings_.dropout;
      if (settings_.dropout > 0)
        options.generator = context.generator("dropout", index * 4096 + static_cast<int64_t>(p));
      const torch::Tensor log_prob_R = label_log_probs(model, packs[p], options, context);
      const torch::Tensor weight_R = torch::tensor(label_weights).index_select(0, packs[p].row_R);
      (-(log_prob_R * nn::to_device(weight_R, log_prob_R.device())).sum()).backward();
      log_prob_PR[p] = log_prob_R.detach();
    });
    TaskMeans losses(inputs_->examples.task_names().size());
    add_losses(packs, log_prob_PR, examples, losses);
    const double norm = parameters_->clip(settings_.clip > 0 ? settings_.clip : 1e30);
    const nn::Schedule schedule{settings_.schedule, settings_.warmup_steps, settings_.floor};
    const double rate = settings_.learning_rate * schedule.at(index, num_steps());
    optimizer_->step(rate);
    report(losses, "train", index, context);
    context.number("train.gradient_norm", norm, index);
    context.number("train.learning_rate", rate, index);
    context.count("rows", static_cast<int64_t>(examples.size()));
  }

  Numbers validate(Context& context) override {
    const torch::NoGradGuard no_grad;
    const ExampleSet& set = inputs_->validation;
    const int64_t available = set.size(Split::valid);
    if (available == 0)
      throw DataError("the validation tasks have no rows; the valid split is empty", "");
    const int64_t wanted =
        settings_.valid_rows > 0 ? std::min(settings_.valid_rows, available) : available;
    TaskMeans losses(set.task_names().size());
    constexpr int64_t kRowsAtOnce = 512;
    for (int64_t begin = 0; begin < wanted; begin += kRowsAtOnce) {
      std::vector<CompiledExample> examples;
      for (int64_t i = begin; i < std::min(begin + kRowsAtOnce, wanted); ++i) {
        examples.push_back(set.at(Split::valid, i * available / wanted, /*epoch=*/0));
      }
      const std::vector<nn::PackedBatch> packs = packed(examples);
      std::vector<torch::Tensor> log_prob_PR(packs.size());
      workers_->visit(packs.size(), [&](const Backbone& model, size_t p) {
        log_prob_PR[p] = label_log_probs(model, packs[p], {}, context);
      });
      add_losses(packs, log_prob_PR, examples, losses);
    }
    Numbers numbers = {{"loss", total(losses), {}}};
    for (size_t k = 0; k < losses.sum.size(); ++k) {
      if (losses.count[k] > 0)
        numbers.push_back({"loss." + set.task_names()[k], losses.sum[k] / losses.count[k], {}});
    }
    return numbers;
  }

  void save_state(ArtifactWriter& writer) const override { optimizer_->save(writer); }
  void load_state(const ArtifactReader& reader) override { optimizer_->load(reader); }

 private:
  // The rows of update `index`: a shuffle of each epoch, cut into steps_per_epoch_ runs.
  std::vector<CompiledExample> batch(int64_t index, Context& context) {
    const int64_t epoch = index / steps_per_epoch_;
    if (epoch != order_epoch_) make_order(epoch, context);
    const auto [begin, end] = runs_[static_cast<size_t>(index % steps_per_epoch_)];
    std::vector<CompiledExample> examples(static_cast<size_t>(end - begin));
    at::parallel_for(begin, end, /*grain_size=*/64, [&](int64_t from, int64_t to) {
      for (int64_t i = from; i < to; ++i) {
        examples[static_cast<size_t>(i - begin)] =
            inputs_->examples.at(Split::train, order_[static_cast<size_t>(i)], epoch);
      }
    });
    return examples;
  }

  void make_order(int64_t epoch, Context& context) {
    std::vector<std::vector<int64_t>> units;  // rows that stay together
    if (settings_.order == "users") {
      std::map<int64_t, size_t> unit_of_group;
      for (int64_t row = 0; row < num_rows_; ++row) {
        const auto [at, is_new] =
            unit_of_group.emplace(inputs_->examples.group(Split::train, row, epoch), units.size());
        if (is_new) units.emplace_back();
        units[at->second].push_back(row);
      }
    } else {
      for (int64_t row = 0; row < num_rows_; ++row) units.push_back({row});
    }
    const torch::Tensor shuffled = torch::randperm(
        static_cast<int64_t>(units.size()), context.generator("row order", epoch), torch::kInt64);
    order_.clear();
    runs_.assign(static_cast<size_t>(steps_per_epoch_), {0, 0});
    for (const int64_t unit : std::span(shuffled.const_data_ptr<int64_t>(), units.size())) {
      const int64_t run = static_cast<int64_t>(order_.size()) * steps_per_epoch_ / num_rows_;
      for (const int64_t row : units[static_cast<size_t>(unit)]) order_.push_back(row);
      runs_[static_cast<size_t>(run)].second = static_cast<int64_t>(order_.size());
    }
    for (size_t r = 1; r < runs_.size(); ++r) {
      runs_[r].first = runs_[r - 1].second;
      runs_[r].second = std::max(runs_[r].second, runs_[r].first);
    }
    order_epoch_ = epoch;
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

  std::vector<nn::PackedBatch> packed(const std::vector<CompiledExample>& examples) const {
    return nn::pack(examples, {.max_tokens = settings_.max_tokens,
                               .share_prefix = settings_.share_prefix,
                               .parts = workers_->size()});
  }

  static torch::Tensor label_log_probs(const Backbone& model, const nn::PackedBatch& pack,
                                       const nn::ForwardOptions& options, Context& context) {
    const nn::PackedBatch batch = pack.to(context.device());
    const torch::Tensor hidden_TD = model.hidden(batch, options);
    nn::count_work(model, batch.num_tokens(), batch.at_R.size(0), model.head().weight_VD.size(0),
                   context);
    return nn::label_log_prob(model.head(), hidden_TD.index_select(0, batch.at_R), batch.label_R);
  }

  // All packs at once: a device is waited for here, and at no pack before.
  static void add_losses(const std::vector<nn::PackedBatch>& packs,
                         const std::vector<torch::Tensor>& log_prob_PR,
                         const std::vector<CompiledExample>& examples, TaskMeans& losses) {
    if (packs.empty()) return;  // rows without a label
    const torch::Tensor on_cpu = torch::cat(log_prob_PR).to(torch::kCPU, torch::kFloat32);
    const float* log_prob = on_cpu.const_data_ptr<float>();
    for (const nn::PackedBatch& pack : packs) {
      const int64_t* row = pack.row_R.const_data_ptr<int64_t>();
      for (int64_t r = 0; r < pack.row_R.size(0); ++r) {
        losses.add(examples[static_cast<size_t>(row[r])].task, -static_cast<double>(*log_prob++),
                   1.0);
      }
    }
  }

  static double total(const TaskMeans& losses) {
    return std::accumulate(losses.sum.begin(), losses.sum.end(), 0.0) /
           std::accumulate(losses.count.begin(), losses.count.end(), 0.0);
  }

  void report(const TaskMeans& losses, const std::string& prefix, int64_t index,
              Context& context) const {
    context.number(prefix + ".loss", total(losses), index);
    for (size_t k = 0; k < losses.sum.size(); ++k) {
      if (losses.count[k] > 0) {
        context.number(prefix + ".loss." + inputs_->examples.task_names()[k],
                       losses.sum[k] / losses.count[k], index);
      }
    }
  }

  Settings settings_;
  std::optional<TrainInputs> inputs_;
  std::unique_ptr<nn::FlatParameters> parameters_;
  std::unique_ptr<nn::AdamW> optimizer_;
  std::unique_ptr<nn::ModelWorkers<Backbone>> workers_;
  int64_t num_rows_ = 0, steps_per_epoch_ = 0;
  int64_t order_epoch_ = -1;  // the epoch that order_ and runs_ hold: derived, never saved
  std::vector<int64_t> order_;
  std::vector<std::pair<int64_t, int64_t>> runs_;
};

}  // namespace

TSREC_PLUGIN("tsrec.sft", "0.1.0",
             tsrec::part<tsrec::Trainer, Sft, Settings>(
                 "sft", /*revision=*/1,
                 "Supervised fine-tuning on the response tokens of the enabled tasks"))
