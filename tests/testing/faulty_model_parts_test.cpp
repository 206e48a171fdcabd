#include "faults.hpp"
#include "tsrec/parts/initializer.hpp"
#include "tsrec/parts/metric.hpp"

namespace tsrec::test {
namespace {

// --- backbone ------------------------------------------------------------------------------------
class FaultyBackbone : public CausalBackbone, public FaultySteps {
 public:
  FaultyBackbone(const NoSettings&, Context& context)
      : CausalBackbone(context), toy_(context, /*tied=*/true) {}
  void prepare(const Items& items, Context& context) override {
    work_badly(context);
    if (has_fault("dies of no items") && items.size() == 0) throw std::out_of_range("at");
    static uint64_t calls = 0;
    TestContext own(has_fault("a seed of its own") ? ++calls : 17);
    toy_.prepare(items, own);
    const kit::TempFolder folder;
    toy_.save(folder.path());
    CausalBackbone::load(folder.path());
  }
  torch::Tensor hidden(const nn::PackedBatch& batch,
                       const nn::ForwardOptions& options) const override {
    if (packed_) return packed_->hidden(batch, options);
    nn::PackedBatch seen = batch;
    nn::ForwardOptions how = options;
    if (has_fault("forgets segments") && options.past) {
      seen.segments.resize(1);
      seen.segments.front().length = static_cast<int32_t>(batch.num_tokens());
    }
    if (has_fault("forgets parents"))
      for (nn::Segment& segment : seen.segments) segment.parent = -1;
    torch::Tensor hidden_TD = CausalBackbone::hidden(seen, how);
    if (has_fault("looks ahead")) hidden_TD = hidden_TD + hidden_TD.mean(0, /*keepdim=*/true);
    if (has_fault("half a state")) hidden_TD = hidden_TD.slice(1, 0, 8);
    return hidden_TD;
  }
  torch::Tensor label_hidden(const nn::PackedBatch& batch,
                             const nn::ForwardOptions& options) const override {
    const torch::Tensor hidden_RD = CausalBackbone::label_hidden(batch, options);
    return has_fault("one label late") ? hidden_RD.roll(1, 0) : hidden_RD;
  }
  std::vector<nn::Parameter> parameters() override {
    auto all = CausalBackbone::parameters();
    if (has_fault("one name for all") || has_fault("one name for two"))
      for (nn::Parameter& parameter : all) parameter.name = "weight";
    return all;
  }
  void extend(const std::vector<std::string>& tokens, const torch::Tensor& input_ED,
              const torch::Tensor& output_ED) override {
    CausalBackbone::extend(tokens, has_fault("scales new rows") ? 2 * input_ED : input_ED,
                           output_ED);
  }
  void pack_weights() override {
    if (has_fault("stays as it was packed")) packed_ = CausalBackbone::clone();
  }
  std::unique_ptr<nn::TrainableModel> clone() const override;
  void load(const std::filesystem::path& folder) override {
    CausalBackbone::load(folder);
    if (!has_fault("loads something else")) return;
    const torch::NoGradGuard no_grad;
    CausalBackbone::parameters()[0].value.mul_(1.5);
  }

 private:
  kit::ToyBackbone toy_;
  std::unique_ptr<nn::TrainableModel> packed_;
};

// Hands on to the original: what a shallow copy would do.
class Shared final : public FaultyBackbone {
 public:
  Shared(const FaultyBackbone& original, Context& context)
      : FaultyBackbone(NoSettings(), context), original_(original) {}
  torch::Tensor hidden(const nn::PackedBatch& batch,
                       const nn::ForwardOptions& options) const override {
    return original_.hidden(batch, options);
  }
  nn::Head head() const override { return original_.head(); }
  double flops_per_token() const override { return original_.flops_per_token(); }

 private:
  const FaultyBackbone& original_;
};

std::unique_ptr<nn::TrainableModel> FaultyBackbone::clone() const {
  TestContext context;
  if (has_fault("a shallow clone")) return std::make_unique<Shared>(*this, context);
  return CausalBackbone::clone();
}

TEST(Conformance, RulesOfBackbonesCanBeBroken) {
  expect_every_rule_can_be_broken(
      faulty_part<Backbone, FaultyBackbone>(),
      with_step_faults({{"half a state", "tokenizer, embedding, head"},
                        {"looks ahead", "a token sees itself"},
                        {"forgets segments", "rows packed into one batch"},
                        {"forgets parents", "a shared prefix"},
                        {"one label late", "a row's labels are predicted"},
                        {"one name for all", "parameters have stable names"},
                        {"scales new rows", "extend() gives"},
                        {"a shallow clone", "a clone is equal"},
                        {"stays as it was packed", "packed it gives the same"},
                        {"loads something else", "saved and loaded"},
                        {"a seed of its own", "equal items and seed"},
                        {"dies of no items", "no items, one item"}}));
}

// --- initializer ---------------------------------------------------------------------------------
class FaultyInitializer final : public Initializer {
 public:
  FaultyInitializer(const NoSettings&, Context& context)
      : good_(make_part<Initializer>("random", context)) {}
  NewRows rows(const InitializerInputs& inputs, Context& context) override {
    work_badly(context);
    if (has_fault("needs notes") && inputs.notes.empty()) throw std::out_of_range("at");
    if (has_fault("touches the backbone")) {
      const torch::NoGradGuard no_grad;
      inputs.rows.input_VD.add_(1);
    }
    NewRows rows = good_->rows(inputs, context);
    static double calls = 0;
    if (has_fault("differs every time")) rows.input_ED += ++calls;
    if (has_fault("output although tied")) rows.output_ED = rows.input_ED;
    return rows;
  }

 private:
  std::shared_ptr<Initializer> good_;
};

TEST(Conformance, RulesOfInitializersCanBeBroken) {
  expect_every_rule_can_be_broken(
      faulty_part<Initializer, FaultyInitializer>(),
      with_work_faults({{"output although tied", "one finite float32 row"},
                        {"differs every time", "equal inputs and seed"},
                        {"touches the backbone", "the backbone stays"},
                        {"needs notes", "without notes"}}));
}

// --- task ----------------------------------------------------------------------------------------
class FaultyTask final : public Task {
 public:
  FaultyTask(const NoSettings&, Context& context) : good_(make_part<Task>("next_item", context)) {}
  void prepare(const TaskInputs& inputs, Context& context) override {
    good_->prepare(inputs, context);
    is_prepared_ = true;
    if (has_fault("dies of no rows") && inputs.data.train.size() == 0)
      throw std::out_of_range("at");
  }
  int64_t size(Split split) const override { return good_->size(split); }
  Example at(Split split, int64_t index, uint64_t draw) const override {
    Example example = good_->at(split, index, draw);
    if (has_fault("another form")) example.form = "other";
    if (has_fault("answers something else")) example.slots["answer"] = {Piece::text("no")};
    if (has_fault("leaves a slot empty")) example.slots.erase("history");
    if (has_fault("counts its calls")) example.weight = static_cast<double>(++calls_);
    if (has_fault("not for threads")) {
      // A member as scratch space: another thread's index may be what comes back.
      scratch_ = index;
      std::this_thread::yield();
      example.weight = 1 + static_cast<double>(scratch_.load() - index);
    }
    return example;
  }
  std::string form() const override { return good_->form(); }
  bool answers_with_item() const override { return is_prepared_ || !has_fault("knows it late"); }

 private:
  std::shared_ptr<Task> good_;
  bool is_prepared_ = false;
  mutable std::atomic<int64_t> calls_ = 0, scratch_ = 0;
};

TEST(Conformance, RulesOfTasksCanBeBroken) {
  expect_every_rule_can_be_broken(faulty_part<Task, FaultyTask>(),
                                  {{"another form", "examples fill their form"},
                                   {"answers something else", "examples fill their form"},
                                   {"knows it late", "answers_with_item() is the same"},
                                   {"leaves a slot empty", "its form's wording takes"},
                                   {"counts its calls", "an example is a function"},
                                   {"not for threads", "several threads"},
                                   {"dies of no rows", "without rows and without notes"}});
}

// A task in a form of its own: what is asked is known once the task brings it along.
template <bool brings>
class OwnForm final : public Task {
 public:
  OwnForm(const NoSettings&, Context& context) : good_(make_part<Task>("next_item", context)) {}
  static Wordings wordings() {
    if (!brings) return {};
    return {{"own_form",
             {{"instruction", "Go on."}, {"input", "after {history}"}, {"target", "{answer}"}}}};
  }
  void prepare(const TaskInputs& inputs, Context& context) override {
    good_->prepare(inputs, context);
  }
  int64_t size(Split split) const override { return good_->size(split); }
  Example at(Split split, int64_t index, uint64_t draw) const override {
    Example example = good_->at(split, index, draw);
    example.form = form();
    return example;
  }
  std::string form() const override { return "own_form"; }
  bool answers_with_item() const override { return true; }

 private:
  std::shared_ptr<Task> good_;
};

// What is seen of the rule that begins like this.
kit::Finding finding_of(const PartInfo& info, const std::string& rule) {
  for (const kit::Finding& finding : kit::conformance(kit::Subject(info)))
    if (finding.rule.starts_with(rule)) return finding;
  throw Error("no rule begins with '", rule, "'");
}

TEST(Conformance, AFormOfATasksOwnIsTriedWhereItBringsTheWording) {
  const auto brought = part<Task, OwnForm<true>, NoSettings>("own", 1, "In a form of its own");
  EXPECT_EQ(broken_rules(brought), std::set<std::string>());
  EXPECT_EQ(finding_of(brought, "its form's wording").verdict, kit::Verdict::kept);
  const kit::Finding unknown =
      finding_of(part<Task, OwnForm<false>, NoSettings>("own", 1, "In a form of its own"),
                 "its form's wording");
  EXPECT_EQ(unknown.verdict, kit::Verdict::skipped);
  EXPECT_EQ(unknown.detail,
            "no text is known for [prompt.own_form]; give the part  static tsrec::Wordings "
            "wordings()  and it works without one in the experiment, too");
}

// --- trainer -------------------------------------------------------------------------------------
class FaultyTrainer final : public Trainer {
 public:
  FaultyTrainer(const NoSettings&, Context& context)
      : good_(make_part<Trainer>("sft", context, {{"batch_rows", "8"}})) {}
  void start(const TrainInputs& inputs, Context& context) override {
    work_badly(context);
    policy_ = &inputs.policy;
    if (has_fault("dies of no rows") && inputs.examples.size(Split::train) == 0)
      throw std::out_of_range("at");
    good_->start(inputs, context);
  }
  std::vector<nn::Parameter> parameters() override {
    auto all = good_->parameters();
    if (has_fault("names too few")) all.resize(all.size() / 2);
    return all;
  }
  int64_t num_steps() const override { return good_->num_steps(); }
  void step(int64_t index, Context& context) override {
    if (has_fault("does nothing")) return;
    static uint64_t calls = 0;
    TestContext own(++calls);
    good_->step(index, has_fault("a seed of its own") ? own : context);
  }
  Numbers validate(Context& context) override {
    if (has_fault("validation trains")) {
      const torch::NoGradGuard no_grad;
      policy_->parameters()[0].value.mul_(0.5);
    }
    return good_->validate(context);
  }
  void save_state(ArtifactWriter& writer) const override { good_->save_state(writer); }
  void load_state(const ArtifactReader& reader) override {
    if (!has_fault("forgets its state")) good_->load_state(reader);
  }

 private:
  std::shared_ptr<Trainer> good_;
  nn::TrainableModel* policy_ = nullptr;
};

TEST(Conformance, RulesOfTrainersCanBeBroken) {
  expect_every_rule_can_be_broken(
      faulty_part<Trainer, FaultyTrainer>(),
      with_work_faults({{"does nothing", "steps change the policy's weights"},
                        {"names too few", "steps change the policy's weights"},
                        {"does nothing", "steps change the parameters"},
                        {"validation trains", "validate() begins"},
                        {"a seed of its own", "equal inputs and seed"},
                        {"forgets its state", "stopped, saved, loaded"},
                        {"dies of no rows", "without rows, and without rewards"}}));
}

// --- reward --------------------------------------------------------------------------------------
class FaultyReward final : public Reward {
 public:
  FaultyReward(const NoSettings&, Context& context)
      : good_(make_part<Reward>("rank_penalty", context)) {}
  void prepare(const RewardInputs& inputs, Context& context) override {
    good_->prepare(inputs, context);
  }
  torch::Tensor score(const Rollouts& rollouts) const override {
    if (has_fault("dies without a target") && rollouts.target_B.numel() > 0 &&
        rollouts.target_B[0].item<int64_t>() < 0)
      throw std::out_of_range("at");
    torch::Tensor score_BG = good_->score(rollouts);
    if (has_fault("doubles")) score_BG = score_BG.to(torch::kFloat64);
    if (has_fault("looks at the batch")) score_BG = score_BG + score_BG.size(0);
    if (has_fault("writes into the rollouts")) rollouts.log_prob_BG.zero_();
    if (has_fault("not for threads")) {
      const int64_t at_once = ++inside_;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      score_BG = score_BG + (at_once - 1);
      --inside_;
    }
    return score_BG;
  }

 private:
  std::shared_ptr<Reward> good_;
  mutable std::atomic<int64_t> inside_ = 0;
};

TEST(Conformance, RulesOfRewardsCanBeBroken) {
  expect_every_rule_can_be_broken(faulty_part<Reward, FaultyReward>(),
                                  {{"doubles", "one finite float32 score"},
                                   {"looks at the batch", "a prompt's scores depend"},
                                   {"writes into the rollouts", "the rollouts stay"},
                                   {"not for threads", "several threads"},
                                   {"dies without a target", "prompts without a target"}});
}

// --- metric --------------------------------------------------------------------------------------
class FaultyMetric final : public Metric {
 public:
  FaultyMetric(const NoSettings&, Context& context) : good_(make_part<Metric>("ndcg", context)) {}
  Numbers measure(const Evaluation& evaluation, Context& context) const override {
    work_badly(context);
    Numbers numbers = good_->measure(evaluation, context);
    static double calls = 0;
    if (has_fault("no mean of its rows")) numbers[0].value += 0.1;
    if (has_fault("differs every time")) numbers.push_back({"calls", ++calls, {}});
    if (has_fault("NaN without rows") && evaluation.samples.size() == 0)
      numbers[0].value = std::nan("");
    if (has_fault("looks at the first row") && evaluation.samples.size() > 0)
      numbers.push_back({"first", static_cast<double>(evaluation.samples.target(0)), {}});
    return numbers;
  }

 private:
  std::shared_ptr<Metric> good_;
};

TEST(Conformance, RulesOfMetricsCanBeBroken) {
  expect_every_rule_can_be_broken(
      faulty_part<Metric, FaultyMetric>(),
      with_work_faults({{"no mean of its rows", "numbers are finite"},
                        {"differs every time", "equal lists"},
                        {"looks at the first row", "the order of the rows"},
                        {"NaN without rows", "no rows, no SIDs"}}));
}

// Asks for the token ids of a prompt in a form of its own.
template <bool brings>
class AsksInItsOwnForm final : public Metric, public NeedsDecoder {
 public:
  AsksInItsOwnForm(const NoSettings&, Context&) {}
  static Wordings wordings() {
    if (!brings) return {};
    return {
        {"own_form", {{"instruction", "Name it."}, {"input", "{title}?"}, {"target", "{answer}"}}}};
  }
  Numbers measure(const Evaluation&, Context&) const override { return {}; }
  Numbers measure_with(const nn::LanguageModel&, const TaskInputs& inputs,
                       const PromptCompiler& compiler, const Trie&, Context&) const override {
    Example example;
    example.form = "own_form";
    example.slots = {{"title", {Piece::text(std::string(inputs.data.items.text("title", 0)))}},
                     {"answer", {Piece::sid(0)}}};
    return {{"prompt_tokens", static_cast<double>(compiler.compile(example).prompt.size()), {}}};
  }
};

TEST(Conformance, AMetricMayAskInTheFormThatItBringsAlong) {
  EXPECT_EQ(broken_rules(part<Metric, AsksInItsOwnForm<true>, NoSettings>("own", 1, "Asks alone")),
            std::set<std::string>());
  const kit::Finding unknown =
      finding_of(part<Metric, AsksInItsOwnForm<false>, NoSettings>("own", 1, "Asks alone"),
                 "numbers are finite");
  EXPECT_EQ(unknown.verdict, kit::Verdict::broken);
  EXPECT_TRUE(contains(unknown.detail, "there is no wording [prompt.own_form]")) << unknown.detail;
}

}  // namespace
}  // namespace tsrec::test
