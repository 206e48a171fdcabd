// DPO, S-DPO and SimPO against their formulas, over answers listed one by one.
#include "../../../plugins/trainer/preference/loss.hpp"
#include "../../../plugins/trainer/preference/negatives.hpp"
#include "plugins/trainer/toy_world.hpp"

namespace tsrec::test {
namespace {

using preference::preference_loss;
using Answer = std::vector<int32_t>;

// The closed formulas and their gradients, number by number.
TEST(PreferenceLoss, IsItsFormulaInFloat64) {
  for (const int64_t negatives : {1, 3, 8}) {
    for (const double gamma : {0.0, 0.8}) {
      for (const double spread : {0.1, 3.0, 40.0}) {
        const torch::Tensor reward_PA =
            (spread * torch::randn({9, 1 + negatives}, torch::kFloat64)).requires_grad_();
        const torch::Tensor loss_P = preference_loss(reward_PA, gamma);
        const torch::Tensor upstream_P = torch::randn({9}, torch::kFloat64);
        const torch::Tensor gradient_PA =
            torch::autograd::grad({(loss_P * upstream_P).sum()}, {reward_PA})[0];
        for (int64_t p = 0; p < 9; ++p) {
          const auto reward = [&](int64_t a) { return reward_PA[p][a].item<double>(); };
          double sum = 0;
          for (int64_t d = 1; d <= negatives; ++d) sum += std::exp(reward(d) - reward(0) + gamma);
          const double wanted = std::log1p(sum);
          EXPECT_NEAR(loss_P[p].item<double>(), wanted, 1e-12 * (1 + wanted));
          const double upstream = upstream_P[p].item<double>(), slope = sum / (1 + sum);
          EXPECT_NEAR(gradient_PA[p][0].item<double>(), -upstream * slope, 1e-12);
          for (int64_t d = 1; d <= negatives; ++d) {
            const double share = std::exp(reward(d) - reward(0) + gamma) / sum;
            EXPECT_NEAR(gradient_PA[p][d].item<double>(), upstream * slope * share, 1e-12);
          }
        }
      }
    }
  }
}

TEST(PreferenceLoss, OfEqualAnswersIsLogOfTheirNumber) {
  for (const int64_t negatives : {1, 3, 15}) {
    const torch::Tensor reward_PA = torch::full({2, 1 + negatives}, 0.3, torch::kFloat64);
    EXPECT_NEAR(preference_loss(reward_PA, 0)[0].item<double>(),
                std::log(1.0 + static_cast<double>(negatives)), 1e-15);
  }
}

// The toy world whose rows are its training data as well, so that some items are popular.
struct PreferenceWorld : ToyWorld {
  ToyExamples examples = make_examples(/*with_text_task=*/false);
  std::vector<Answer> answers;  // in the order of their tokens

  PreferenceWorld() {
    SamplesBuilder builder;
    for (const CompiledExample& row : examples.rows()) {
      const std::vector<int64_t> history = {row.target_item};
      builder.add(0, history, row.target_item, 0);
    }
    data.train = builder.build();
    for (int64_t item = 0; item < items.size(); ++item)
      answers.push_back(vocabulary.ids(sids, item));
    std::sort(answers.begin(), answers.end());
  }

  std::shared_ptr<Trainer> start(const std::string& kind, const OptionTexts& options,
                                 Backbone& model, const ExampleSet& set) {
    auto trainer = built_part("trainer", kind, options).make_as<Trainer>(context);
    trainer->start(inputs(model, set), context);
    return trainer;
  }
  std::shared_ptr<Trainer> start(const std::string& kind, const OptionTexts& options) {
    return start(kind, options, *backbone, examples);
  }
};

// Negatives of each row by the words of the option.
using NegativesOf = std::function<std::vector<Answer>(size_t row)>;

NegativesOf all_others(const PreferenceWorld& world) {
  return [&world](size_t row) {
    std::vector<Answer> others = world.answers;
    std::erase(others, world.examples.rows()[row].target);
    return others;
  };
}

NegativesOf drawn(PreferenceWorld& world, const std::string& kind, int64_t count,
                  int64_t generation = 0) {
  return [&world, kind, count, generation](size_t row) {
    const preference::Answers answers(world.trie);
    const preference::Negatives negatives(answers, kind, world.data.train);
    std::vector<Answer> others;
    for (const int64_t answer : negatives.draw(
             answers.find(world.examples.rows()[row].target), count,
             world.context.generator("negatives", generation, static_cast<int64_t>(row))))
      others.push_back(answers.tokens(answer));
    return others;
  };
}

double log_prob(const nn::LanguageModel& model, const CompiledExample& row, const Answer& answer) {
  const torch::NoGradGuard no_grad;
  return row_log_probs(model, row.prompt, answer).to(torch::kFloat64).sum().item<double>();
}

NegativesOf best_others(const PreferenceWorld& world, const nn::LanguageModel& model,
                        size_t count) {
  return [&world, &model, count](size_t row) {
    std::vector<std::pair<double, Answer>> scored;
    for (const Answer& answer : all_others(world)(row))
      scored.emplace_back(log_prob(model, world.examples.rows()[row], answer), answer);
    std::sort(scored.begin(), scored.end(), std::greater<>());
    std::vector<Answer> best;
    for (size_t i = 0; i < count; ++i) best.push_back(scored[i].second);
    return best;
  };
}

struct Formula {
  double beta = 1, gamma = 0;
  const nn::LanguageModel* reference = nullptr;  // null: SimPO
};

// What a step reports of its rows, by definition; the loss with a graph.
struct Expected {
  torch::Tensor loss = torch::zeros({}, torch::kFloat64);
  double margin = 0, accuracy = 0, chosen = 0, rejected = 0;
};

Expected expected_of(const PreferenceWorld& world, const nn::LanguageModel& model,
                     const NegativesOf& negatives_of, const Formula& formula) {
  Expected expected;
  const auto num_rows = static_cast<double>(world.examples.rows().size());
  for (size_t r = 0; r < world.examples.rows().size(); ++r) {
    const CompiledExample& row = world.examples.rows()[r];
    const bool is_mean = formula.reference == nullptr;
    // log p, summed or averaged, and the reward.
    const auto judged = [&](const Answer& answer) {
      const torch::Tensor log_prob_T = row_log_probs(model, row.prompt, answer).to(torch::kFloat64);
      const torch::Tensor log_p = is_mean ? log_prob_T.mean() : log_prob_T.sum();
      const double log_q = is_mean ? 0 : log_prob(*formula.reference, row, answer);
      return std::pair(log_p.item<double>(), formula.beta * (log_p - log_q));
    };
    const std::vector<Answer> negatives = negatives_of(r);
    const double per_pair = 1.0 / num_rows / static_cast<double>(negatives.size());
    const auto [log_p_chosen, reward_of_chosen] = judged(row.target);
    torch::Tensor sum = torch::zeros({}, torch::kFloat64);
    for (const Answer& other : negatives) {
      const auto [log_p, reward] = judged(other);
      const torch::Tensor ahead = reward_of_chosen - reward;
      sum = sum + (formula.gamma - ahead).exp();
      expected.margin += ahead.item<double>() * per_pair;
      expected.accuracy += ahead.item<double>() > 0 ? per_pair : 0;
      expected.rejected += log_p * per_pair;
    }
    expected.loss = expected.loss + torch::log1p(sum) / num_rows;
    expected.chosen += log_p_chosen / num_rows;
  }
  return expected;
}

const OptionTexts kWholeBatch = {{"batch_rows", "1000"},
                                 {"clip", "0"},
                                 {"epochs", "3"},
                                 {"learning_rate", "0.003"},
                                 {"schedule", "constant"}};

OptionTexts with(OptionTexts options, const OptionTexts& more) {
  for (const auto& [key, value] : more) options[key] = value;
  return options;
}

// The second step of a trainer, away from the reference, against the formula.
void expect_second_step(PreferenceWorld& world, const std::string& kind, const OptionTexts& options,
                        const NegativesOf& negatives_of, const Formula& formula) {
  const auto trainer = world.start(kind, with(kWholeBatch, options));
  trainer->step(0, world.context);
  const Expected expected = expected_of(world, *world.backbone, negatives_of, formula);
  const auto wanted = gradients(expected.loss, *world.backbone);
  trainer->step(1, world.context);
  EXPECT_LT(gradient_difference(*world.backbone, wanted), 1e-4) << kind;
  auto& numbers = world.context.numbers;
  EXPECT_NEAR(numbers["train.loss"].back(), expected.loss.item<double>(), 2e-5) << kind;
  EXPECT_NEAR(numbers["train.margin"].back(), expected.margin, 5e-5) << kind;
  EXPECT_NEAR(numbers["train.accuracy"].back(), expected.accuracy, 1e-5) << kind;
  EXPECT_NEAR(numbers["train.log_prob.chosen"].back(), expected.chosen, 5e-5) << kind;
  EXPECT_NEAR(numbers["train.log_prob.rejected"].back(), expected.rejected, 5e-5) << kind;
}

TEST(Preference, StepsFollowTheFormulaOverAllOtherAnswers) {
  for (const std::string max_tokens : {"16", "8192"}) {
    PreferenceWorld world;
    const auto reference = world.make_backbone();
    expect_second_step(world, "s_dpo",
                       {{"num_negatives", "11"}, {"beta", "0.6"}, {"max_tokens", max_tokens}},
                       all_others(world), {.beta = 0.6, .reference = reference.get()});
  }
}

TEST(Preference, StepsFollowTheFormulaOverDrawnAnswers) {
  for (const std::string kind : {"random", "popular", "hard_prefix"}) {
    PreferenceWorld world;
    const auto reference = world.make_backbone();
    expect_second_step(world, "dpo", {{"negatives", kind}, {"beta", "0.7"}}, drawn(world, kind, 1),
                       {.beta = 0.7, .reference = reference.get()});
    PreferenceWorld other;
    expect_second_step(other, "simpo", {{"negatives", kind}, {"beta", "1.7"}, {"gamma", "0.4"}},
                       drawn(other, kind, 1), {.beta = 1.7, .gamma = 0.4});
    PreferenceWorld third;
    expect_second_step(third, "s_dpo", {{"negatives", kind}, {"num_negatives", "4"}},
                       drawn(third, kind, 4), {.reference = reference.get()});
  }
}

TEST(Preference, StepsFollowTheFormulaOverTheBestOtherAnswers) {
  PreferenceWorld world;
  const auto reference = world.make_backbone();
  const OptionTexts beam = {{"negatives", "beam"}, {"beams", "12"}};
  expect_second_step(world, "s_dpo", with(beam, {{"num_negatives", "5"}}),
                     best_others(world, *reference, 5), {.reference = reference.get()});
  // Without a reference in the loss the model of the beginning is still the one that is searched.
  PreferenceWorld other;
  expect_second_step(other, "simpo", beam, best_others(other, *reference, 1),
                     {.beta = 2, .gamma = 1});
  // Replaced after every step: the model of the second step is searched.
  PreferenceWorld third;
  const auto start = third.backbone->clone();
  const auto trainer = third.start(
      "simpo", with(kWholeBatch, with(beam, {{"refresh_every", "1"}, {"learning_rate", "0.05"}})));
  trainer->step(0, third.context);
  const NegativesOf of_now = best_others(third, *third.backbone, 1);
  const NegativesOf of_before = best_others(third, *start, 1);
  int64_t replaced = 0;
  for (size_t row = 0; row < third.examples.rows().size(); ++row)
    replaced += of_now(row) == of_before(row) ? 0 : 1;
  ASSERT_GT(replaced, 3);
  const Expected expected = expected_of(third, *third.backbone, of_now, {.beta = 2, .gamma = 1});
  trainer->step(1, third.context);
  EXPECT_NEAR(third.context.numbers["train.loss"].back(), expected.loss.item<double>(), 2e-5);
}

TEST(Preference, BeginsAtLogOfTheNumberOfAnswers) {
  for (const int64_t negatives : {1, 3, 8}) {
    PreferenceWorld world;
    world.start("s_dpo", with(kWholeBatch, {{"num_negatives", std::to_string(negatives)}}))
        ->step(0, world.context);
    EXPECT_NEAR(world.context.numbers["train.loss"][0],
                std::log(1.0 + static_cast<double>(negatives)), 1e-5);
    EXPECT_NEAR(world.context.numbers["train.margin"][0], 0, 1e-5);
  }
  PreferenceWorld world;
  world.start("dpo", kWholeBatch)->step(0, world.context);
  EXPECT_NEAR(world.context.numbers["train.loss"][0], std::log(2.0), 1e-5);
}

TEST(Preference, SDpoWithOneNegativeIsDpo) {
  PreferenceWorld one, other;
  const OptionTexts options = {{"batch_rows", "4"}, {"beta", "0.3"}, {"learning_rate", "0.01"}};
  const auto dpo = one.start("dpo", options);
  const auto s_dpo = other.start("s_dpo", with(options, {{"num_negatives", "1"}}));
  for (int64_t step = 0; step < 6; ++step) {
    dpo->step(step, one.context);
    s_dpo->step(step, other.context);
  }
  EXPECT_TRUE(same_bytes(*one.backbone, *other.backbone));
  EXPECT_EQ(one.context.numbers, other.context.numbers);
}

// A model that stands still shows which negatives a step has: SimPO's loss depends on nothing else.
TEST(Preference, NegativesStayUntilTheyAreReplaced) {
  const auto losses = [](const std::string& refresh_every) {
    PreferenceWorld world;
    const auto trainer = world.start(
        "simpo", with(kWholeBatch,
                      {{"learning_rate", "0"}, {"epochs", "5"}, {"refresh_every", refresh_every}}));
    for (int64_t step = 0; step < 5; ++step) trainer->step(step, world.context);
    for (int64_t step = 0; step < 5; ++step) {
      const int64_t generation = refresh_every == "2" ? step / 2 : 0;
      const Expected expected = expected_of(
          world, *world.backbone, drawn(world, "random", 1, generation), {.beta = 2, .gamma = 1});
      EXPECT_NEAR(world.context.numbers["train.loss"][static_cast<size_t>(step)],
                  expected.loss.item<double>(), 2e-5);
    }
    return world.context.numbers["train.loss"];
  };
  const std::vector<double> kept = losses("0"), replaced = losses("2");
  for (size_t step = 1; step < 5; ++step) {
    EXPECT_NEAR(kept[step], kept[0], 1e-6);  // in another order
    const double change = std::abs(replaced[step] - replaced[step - 1]);
    if (step % 2 == 1) {
      EXPECT_LT(change, 1e-6);
    } else {
      EXPECT_GT(change, 1e-3);
    }
  }
}

// Rows whose number stands for another one in every epoch.
class MovingExamples final : public ToyExamples {
 public:
  using ToyExamples::ToyExamples;
  CompiledExample at(Split split, int64_t index, int64_t epoch) const override {
    return ToyExamples::at(split, (index + 4 * epoch) % size(split), epoch);
  }
};

TEST(Preference, ARowThatReadsOtherwiseInTheNextEpochIsAnotherRow) {
  PreferenceWorld world;
  const auto reference = world.make_backbone();
  const MovingExamples moving(world.examples.rows(),
                              std::vector<int64_t>(world.examples.rows().size(), 0),
                              world.examples.task_names());
  const auto trainer =
      world.start("s_dpo", with(kWholeBatch, {{"num_negatives", "11"}}), *world.backbone, moving);
  trainer->step(0, world.context);
  const Expected expected =
      expected_of(world, *world.backbone, all_others(world), {.reference = reference.get()});
  trainer->step(1, world.context);
  EXPECT_NEAR(world.context.numbers["train.loss"].back(), expected.loss.item<double>(), 2e-5);
}

TEST(Preference, ResumesToTheSameBytes) {
  struct Case {
    std::string kind, negatives, refresh_every;
  };
  for (const Case& tried : std::vector<Case>{{"dpo", "random", "0"},
                                             {"dpo", "beam", "3"},
                                             {"s_dpo", "popular", "3"},
                                             {"s_dpo", "beam", "0"},
                                             {"simpo", "hard_prefix", "2"},
                                             {"simpo", "beam", "0"},
                                             {"simpo", "beam", "3"}}) {
    PreferenceWorld world;
    expect_exact_resume(
        world,
        [&](Backbone& model) {
          return world.start(tried.kind,
                             {{"batch_rows", "4"},
                              {"epochs", "3"},
                              {"learning_rate", "0.01"},
                              {"negatives", tried.negatives},
                              {"refresh_every", tried.refresh_every}},
                             model, world.examples);
        },
        /*before=*/5, /*after=*/5);
  }
}

TEST(Preference, LearnsToPrefer) {
  for (const std::string kind : {"dpo", "s_dpo", "simpo"}) {
    PreferenceWorld world;
    const auto trainer = world.start(kind, {{"batch_rows", "8"},
                                            {"epochs", "15"},
                                            {"learning_rate", "0.01"},
                                            {"beta", "1"},
                                            {"negatives", "hard_prefix"}});
    const Numbers before = trainer->validate(world.context);
    for (int64_t i = 0; i < trainer->num_steps(); ++i) trainer->step(i, world.context);
    const Numbers after = trainer->validate(world.context);
    ASSERT_GE(after.size(), 3u);
    EXPECT_EQ(after[0].name, "loss");
    EXPECT_EQ(after[1].name, "margin");
    EXPECT_EQ(after[2].name, "accuracy");
    EXPECT_LT(after[0].value, before[0].value / 2) << kind;
    EXPECT_GT(after[1].value, before[1].value) << kind;
    EXPECT_GT(after[2].value, 0.9) << kind;
  }
}

// The same negatives at every validation, whatever training does.
TEST(Preference, ValidatesOnComparisonsThatStay) {
  PreferenceWorld world;
  const auto reference = world.make_backbone();
  const auto trainer = world.start("s_dpo", with(kWholeBatch, {{"num_negatives", "2"},
                                                               {"negatives", "beam"},
                                                               {"refresh_every", "1"},
                                                               {"beams", "12"}}));
  for (int64_t step = 0; step < 2; ++step) trainer->step(step, world.context);
  const Expected expected = expected_of(world, *world.backbone, best_others(world, *reference, 2),
                                        {.reference = reference.get()});
  const Numbers numbers = trainer->validate(world.context);
  EXPECT_NEAR(numbers[0].value, expected.loss.item<double>(), 2e-5);
  EXPECT_NEAR(numbers[1].value, expected.margin, 5e-5);
  EXPECT_NEAR(numbers[2].value, expected.accuracy, 1e-5);
}

// Against SFT on the same answers behind the same prompts, in counted work. Prompts begin
// differently, so that only the answers of one prompt share anything.
TEST(Preference, CostsLessThanAFifthMoreThanSft) {
  PreferenceWorld world;
  std::vector<CompiledExample> prompts = world.examples.rows(), answers;
  std::vector<int64_t> prompt_of;
  const preference::Answers all(world.trie);
  const preference::Negatives random(all, "random", world.data.train);
  for (size_t r = 0; r < prompts.size(); ++r) {
    prompts[r].prompt[0] = static_cast<int32_t>(20 + r);
    CompiledExample answer = prompts[r];
    answers.push_back(answer);
    for (const int64_t other :
         random.draw(all.find(answer.target), 3,
                     world.context.generator("negatives", 0, static_cast<int64_t>(r)))) {
      answer.target = all.tokens(other);
      answers.push_back(answer);
    }
    prompt_of.insert(prompt_of.end(), 4, static_cast<int64_t>(r));
  }
  struct Work {
    int64_t tokens, rows, flops;
  };
  const auto work_of = [&](Trainer& trainer, int64_t step) {
    auto& counters = world.context.counters;
    counters.clear();
    trainer.step(step, world.context);
    return Work{counters["token_forwards"], counters["head_rows"], counters["flops"]};
  };
  const ToyExamples of_sft(answers, prompt_of, {"next_item"});
  const ToyExamples of_s_dpo(prompts, std::vector<int64_t>(prompts.size(), 0), {"next_item"});
  const auto sft =
      world.start("sft", {{"batch_rows", "1000"}, {"order", "users"}}, *world.backbone, of_sft);
  const auto s_dpo = world.start("s_dpo", {{"batch_rows", "1000"}}, *world.backbone, of_s_dpo);
  const Work plain = work_of(*sft, 0);
  const int64_t tokens =
      nn::pack(answers, {.max_tokens = std::numeric_limits<int64_t>::max()}).front().num_tokens();
  ASSERT_GE(plain.tokens, tokens);  // its workers may share a prompt out, and then compute it twice
  ASSERT_LT(plain.tokens, tokens + 20);
  ASSERT_EQ(s_dpo->num_steps(), 3);  // the epochs of the default
  double flops = 0;
  for (int64_t step = 0; step < 3; ++step) {
    const Work work = work_of(*s_dpo, step);
    const int64_t models = step == 0 ? 2 : 1;  // the reference is asked once
    EXPECT_EQ(work.tokens, models * tokens) << "step " << step;
    EXPECT_EQ(work.rows, models * plain.rows) << "step " << step;
    flops += static_cast<double>(work.flops);
  }
  const double ratio = flops / 3 / static_cast<double>(plain.flops);
  EXPECT_NEAR(ratio, 10.0 / 9, 0.05);  // one forward beside three forwards and their backwards
  EXPECT_LT(ratio, 1.2);
}

TEST(Preference, ACatalogueWithTooFewSidsIsRefused) {
  PreferenceWorld world;  // 12 SIDs
  const auto refusal = [&](const std::string& kind, const OptionTexts& options) {
    return message_of<ConfigError>([&] { world.start(kind, options); });
  };
  EXPECT_EQ(refusal("s_dpo", {{"num_negatives", "12"}}),
            "num_negatives = 12, but the catalogue has only 12 SIDs, one of them the target's own; "
            "set num_negatives = 11 at most");
  EXPECT_EQ(refusal("dpo", {{"negatives", "beam"}, {"beams", "13"}}),
            "beams = 13, but the catalogue has only 12 SIDs; set beams = 12 at most");
  EXPECT_EQ(refusal("s_dpo", {{"negatives", "beam"}, {"beams", "3"}}),
            "beams = 3 finds too few: the target may be among them, so set beams = 4 at least");
  SidTable shared = world.sids;
  shared.code_NL = torch::zeros_like(shared.code_NL);
  const auto dpo = built_part("trainer", "dpo").make_as<Trainer>(world.context);
  dpo->check_sids(world.sids);
  EXPECT_EQ(message_of<ConfigError>([&] { dpo->check_sids(shared); }),
            "the catalogue has only one SID, so there is no other that a target could be preferred "
            "to; give the quantizer more codes or levels");
  SamplesBuilder one;
  const std::vector<int64_t> history = {1};
  one.add(0, history, 2, 0);
  world.data.train = one.build();
  EXPECT_EQ(
      refusal("dpo", {{"negatives", "popular"}}),
      "negatives = \"popular\" needs 2 SIDs that are targets of training, the target's own among "
      "them, and there are 1; set negatives = \"random\"");
}

TEST(Preference, RowsWithoutAnItemOrWithMoreThanASidAreRefused) {
  PreferenceWorld world;
  const ToyExamples with_text = world.make_examples(/*with_text_task=*/true);
  const std::string text_task =
      message_of<ConfigError>([&] { world.start("dpo", kWholeBatch, *world.backbone, with_text); });
  EXPECT_EQ(text_task,
            "task 'sid_to_title' does not answer with an item, so there is no other item that its "
            "answer could be preferred to; list the tasks of this stage, for example tasks = "
            "[\"next_item\"]");
  std::vector<CompiledExample> rows = world.examples.rows();
  rows[2].target.insert(rows[2].target.begin(), 9);
  const ToyExamples wordy(rows, std::vector<int64_t>(rows.size(), 0), {"next_item"});
  const std::string more =
      message_of<ConfigError>([&] { world.start("dpo", kWholeBatch, *world.backbone, wordy); });
  EXPECT_TRUE(contains(more, "task 'next_item' says more in its answer than a SID")) << more;
  const ToyExamples none({}, {}, {"next_item"});
  EXPECT_EQ(
      message_of<ConfigError>([&] { world.start("simpo", kWholeBatch, *world.backbone, none); }),
      "the tasks of this simpo stage have no training rows; enable another task, or give the "
      "source more users");
  EXPECT_TRUE(built_part("trainer", "dpo").info().needs_item_answers);
  EXPECT_TRUE(built_part("trainer", "s_dpo").info().needs_item_answers);
  EXPECT_TRUE(built_part("trainer", "simpo").info().needs_item_answers);
}

}  // namespace
}  // namespace tsrec::test
