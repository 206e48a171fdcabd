#include "plugins/trainer/toy_world.hpp"

namespace tsrec::test {
namespace {

std::shared_ptr<Trainer> start_sft(ToyWorld& world, Backbone& model, const ToyExamples& examples,
                                   OptionTexts options) {
  auto trainer = make_part<Trainer>("sft", world.context, options);
  trainer->start(world.inputs(model, examples), world.context);
  return trainer;
}

// The loss by its definition, row by row.
torch::Tensor plain_loss(const nn::LanguageModel& model, const std::vector<CompiledExample>& rows,
                         const std::string& normalize) {
  torch::Tensor sum = torch::zeros({});
  double weight = 0;
  std::map<int32_t, std::pair<torch::Tensor, double>> of_task;
  std::map<int32_t, double> task_weight;
  for (const CompiledExample& row : rows) {
    const torch::Tensor loss = -row_log_probs(model, row.prompt, row.target);
    const auto length = static_cast<double>(row.target.size());
    if (normalize == "token") {
      sum = sum + row.weight * loss.sum();
      weight += row.weight * length;
    } else if (normalize == "sequence") {
      sum = sum + row.weight * loss.mean();
      weight += row.weight;
    } else {
      auto& [task_sum, task_length] =
          of_task.try_emplace(row.task, torch::zeros({}), 0.0).first->second;
      task_sum = task_sum + loss.sum();
      task_length += length;
      task_weight[row.task] = row.weight;
    }
  }
  for (const auto& [task, mean] : of_task) {
    sum = sum + task_weight[task] * mean.first / mean.second;
    weight += task_weight[task];
  }
  return sum / weight;
}

TEST(Sft, GradientOfAStepIsThatOfTheLossRowByRow) {
  for (const std::string normalize : {"token", "sequence", "task"}) {
    for (const std::string share : {"true", "false"}) {
      ToyWorld world;
      const ToyExamples examples = world.make_examples();
      const auto expected =
          gradients(plain_loss(*world.backbone, examples.rows(), normalize), *world.backbone);
      const auto trainer = start_sft(world, *world.backbone, examples,
                                     {{"batch_rows", "1000"},
                                      {"clip", "0"},
                                      {"normalize", normalize},
                                      {"share_prefix", share},
                                      {"max_tokens", "40"}});
      trainer->step(0, world.context);
      EXPECT_LT(gradient_difference(*world.backbone, expected), 1e-5)
          << normalize << " share " << share;
    }
  }
}

// Multiply-adds from the shapes of the weights, one by one: forward once, backward twice.
TEST(Sft, FlopsAreThoseOfTheMatrixProducts) {
  ToyWorld world;
  const ToyExamples examples = world.make_examples();
  const auto trainer = start_sft(world, *world.backbone, examples, {{"batch_rows", "1000"}});
  world.context.counters.clear();
  trainer->step(0, world.context);
  double body = 0;
  for (const nn::Parameter& parameter : world.backbone->parameters()) {
    const bool is_table = contains(parameter.name, "embed_tokens");
    if (parameter.value.dim() == 2 && !is_table)
      body += 2.0 * static_cast<double>(parameter.value.size(0) * parameter.value.size(1));
  }
  const torch::Tensor head_VD = world.backbone->head().weight_VD;
  const auto tokens = static_cast<double>(world.context.counters["token_forwards"]);
  const auto labels = static_cast<double>(world.context.counters["head_rows"]);
  EXPECT_GT(tokens, 50);
  EXPECT_NEAR(static_cast<double>(world.context.counters["flops"]),
              3 * (body * tokens + 2.0 * static_cast<double>(head_VD.numel()) * labels), 10);
  // Validation goes forward only.
  world.context.counters.clear();
  trainer->validate(world.context);
  const auto valid_tokens = static_cast<double>(world.context.counters["token_forwards"]);
  const auto valid_labels = static_cast<double>(world.context.counters["head_rows"]);
  EXPECT_NEAR(static_cast<double>(world.context.counters["flops"]),
              body * valid_tokens + 2.0 * static_cast<double>(head_VD.numel()) * valid_labels, 10);
}

TEST(Sft, SharedPrefixesAreComputedOnce) {
  ToyWorld world;
  const ToyExamples examples = world.make_examples();
  const auto forwards = [&](const std::string& share) {
    world.context.counters.clear();
    start_sft(world, *world.backbone, examples,
              {{"batch_rows", "1000"}, {"order", "users"}, {"share_prefix", share}})
        ->step(0, world.context);
    return world.context.counters["token_forwards"];
  };
  EXPECT_LT(forwards("true"), forwards("false") * 3 / 4);
}

TEST(Sft, EveryRowIsSeenOnceAnEpochAndUsersStayTogether) {
  ToyWorld world;
  const ToyExamples examples = world.make_examples();
  const auto trainer = start_sft(world, *world.backbone, examples,
                                 {{"batch_rows", "4"}, {"epochs", "2"}, {"order", "users"}});
  const auto rows = static_cast<int64_t>(examples.rows().size());
  ASSERT_EQ(trainer->num_steps(), 2 * ((rows + 3) / 4));
  std::vector<std::vector<int64_t>> epochs(2);
  for (int64_t i = 0; i < trainer->num_steps(); ++i) {
    examples.asked.clear();
    trainer->step(i, world.context);
    std::map<int64_t, int64_t> rows_of_user;
    for (const int64_t row : examples.asked) ++rows_of_user[examples.group(Split::train, row, 0)];
    for (const auto& [user, count] : rows_of_user)
      EXPECT_EQ(count, user < 100 ? 3 : 1) << "user " << user;
    auto& epoch = epochs[static_cast<size_t>(i / (trainer->num_steps() / 2))];
    epoch.insert(epoch.end(), examples.asked.begin(), examples.asked.end());
  }
  EXPECT_NE(epochs[0], epochs[1]);
  for (std::vector<int64_t> epoch : epochs) {
    std::sort(epoch.begin(), epoch.end());
    std::vector<int64_t> all(static_cast<size_t>(rows));
    std::iota(all.begin(), all.end(), 0);
    EXPECT_EQ(epoch, all);
  }
}

// Three rows of a user and a batch of one: every third step has rows, and the others have nothing
// to do.
TEST(Sft, AUserWithMoreRowsThanABatchLeavesStepsWithoutRows) {
  ToyWorld world;
  const ToyExamples examples = world.make_examples(/*with_text_task=*/false);
  const auto trainer = start_sft(world, *world.backbone, examples,
                                 {{"batch_rows", "1"}, {"epochs", "1"}, {"order", "users"}});
  ASSERT_EQ(trainer->num_steps(), 15);
  size_t idle = 0;
  for (int64_t step = 0; step < trainer->num_steps(); ++step) {
    const size_t before = examples.asked.size();
    trainer->step(step, world.context);
    idle += examples.asked.size() == before ? 1 : 0;
  }
  EXPECT_EQ(idle, 10u);
  EXPECT_EQ(std::set<int64_t>(examples.asked.begin(), examples.asked.end()).size(), 15u);
  for (const auto& [name, values] : world.context.numbers) {
    EXPECT_EQ(values.size(), 5u) << name;
    for (const double value : values) EXPECT_TRUE(std::isfinite(value)) << name;
  }
}

TEST(Sft, ValidationIsTheMeanTokenLoss) {
  ToyWorld world;
  const ToyExamples examples = world.make_examples();
  const Numbers numbers = start_sft(world, *world.backbone, examples, {})->validate(world.context);
  const torch::NoGradGuard no_grad;
  std::map<int32_t, std::pair<double, double>> of_task;
  double sum = 0, count = 0;
  for (const CompiledExample& row : examples.rows()) {
    const double loss =
        -row_log_probs(*world.backbone, row.prompt, row.target).sum().item<double>();
    const auto length = static_cast<double>(row.target.size());
    of_task[row.task].first += loss;
    of_task[row.task].second += length;
    sum += loss;
    count += length;
  }
  ASSERT_EQ(numbers.size(), 3u);
  EXPECT_EQ(numbers[0].name, "loss");
  EXPECT_NEAR(numbers[0].value, sum / count, 1e-5);
  EXPECT_EQ(numbers[1].name, "loss.next_item");
  EXPECT_NEAR(numbers[1].value, of_task[0].first / of_task[0].second, 1e-5);
  EXPECT_NEAR(numbers[2].value, of_task[1].first / of_task[1].second, 1e-5);
}

TEST(Sft, LearnsTheRows) {
  ToyWorld world;
  const ToyExamples examples = world.make_examples();
  const auto trainer = start_sft(
      world, *world.backbone, examples,
      {{"batch_rows", "10"}, {"epochs", "60"}, {"learning_rate", "0.01"}, {"warmup_steps", "5"}});
  const double before = trainer->validate(world.context)[0].value;
  for (int64_t i = 0; i < trainer->num_steps(); ++i) trainer->step(i, world.context);
  EXPECT_LT(trainer->validate(world.context)[0].value, before / 4);
}

TEST(Sft, ResumesToTheSameBytes) {
  ToyWorld world;
  const ToyExamples examples = world.make_examples();
  expect_exact_resume(
      world,
      [&](Backbone& model) {
        return start_sft(world, model, examples,
                         {{"batch_rows", "5"}, {"dropout", "0.2"}, {"learning_rate", "0.01"}});
      },
      /*before=*/5, /*after=*/4);
}

// A weight that is not a number: the step says so, and moves nothing.
TEST(Sft, ANaNStopsTheStepWithItsRowsAndItsParameter) {
  ToyWorld world;
  const ToyExamples examples = world.make_examples();
  const auto trainer = start_sft(world, *world.backbone, examples, {{"batch_rows", "4"}});
  trainer->step(0, world.context);
  {
    const torch::NoGradGuard no_grad;
    world.backbone->parameters()[0].value.fill_(std::nan(""));
  }
  const auto before = nn::values_of(world.backbone->parameters());
  examples.asked.clear();
  const std::string message = message_of<Error>([&] { trainer->step(1, world.context); });
  EXPECT_TRUE(contains(message, "step 1: the loss is NaN")) << message;
  EXPECT_TRUE(contains(message, world.backbone->parameters()[0].name)) << message;
  for (const int64_t row : examples.asked)
    EXPECT_TRUE(contains(message, std::to_string(row))) << message;
  const auto after = nn::values_of(world.backbone->parameters());
  for (size_t i = 1; i < before.size(); ++i) EXPECT_TRUE(torch::equal(before[i], after[i]));
}

TEST(Sft, NoRowsIsAnErrorThatSaysWhatToDo) {
  ToyWorld world;
  const ToyExamples none({}, {}, {"next_item"});
  const std::string message =
      message_of<ConfigError>([&] { start_sft(world, *world.backbone, none, {}); });
  EXPECT_NE(message.find("no training rows"), std::string::npos) << message;
}

}  // namespace
}  // namespace tsrec::test
