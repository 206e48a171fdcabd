// What the tests of sequential recommenders share: a small random catalogue, and models written
// plainly in double precision, one history at a time.
#pragma once

#include <cmath>

#include "support/support.hpp"
#include "tsrec/parts/recommender.hpp"
#include "tsrec/parts/stepwise.hpp"

namespace tsrec::test {

using Values = std::map<std::string, torch::Tensor>;  // of parameters, by name, float64

inline std::vector<int64_t> vector_of(const torch::Tensor& numbers) {
  return {numbers.const_data_ptr<int64_t>(), numbers.const_data_ptr<int64_t>() + numbers.numel()};
}

struct RandomWorld {
  // times: seconds apart from none to months, or the order alone.
  RandomWorld(int64_t num_items, int64_t num_users, int64_t longest, uint64_t seed,
              Times times = Times::order)
      : generator(at::detail::createCPUGenerator(seed)) {
    std::vector<std::string> keys;
    for (int64_t i = 0; i < num_items; ++i) keys.push_back(std::to_string(i));
    data.items = Items(keys);
    std::vector<UserSequence> users;
    for (int64_t u = 0; u < num_users; ++u) {
      const int64_t length = torch::randint(4, longest + 1, {1}, generator).item<int64_t>();
      const torch::Tensor items = torch::randint(0, num_items, {length}, generator, torch::kInt64);
      UserSequence user;
      user.user = u;
      for (int64_t i = 0; i < length; ++i) {
        user.items.push_back(items[i].item<int64_t>());
        user.times.push_back(i);
      }
      if (times == Times::seconds) {
        const torch::Tensor gap = torch::exp(17 * torch::rand({length}, generator) - 1);
        user.times = vector_of(1'500'000'000 + gap.to(torch::kInt64).cumsum(0));
      }
      users.push_back(user);
    }
    split_leave_one_out(users, /*max_history=*/50, data, times);
    x_ND = torch::randn({num_items, 6}, generator);
  }
  // float32 values that differ from any start, and are not small: nothing hides behind zeros.
  void scatter(const std::vector<nn::Parameter>& parameters) {
    const torch::NoGradGuard no_grad;
    for (const nn::Parameter& parameter : parameters)
      parameter.value.copy_(0.4 * torch::randn(parameter.value.sizes(), generator));
  }
  at::Generator generator;
  Dataset data;
  torch::Tensor x_ND;
};

inline Values doubles_of(const std::vector<nn::Parameter>& parameters) {
  Values values;
  for (const nn::Parameter& parameter : parameters)
    values[parameter.name] = parameter.value.detach().to(torch::kFloat64).clone();
  return values;
}

// What a model may see of a row: its newest items, when they were, and when it is asked.
struct Row {
  Row(const Samples& samples, int64_t row, int64_t newest)
      : history(last(samples.history(row), newest)),
        times(last(samples.history_times(row), newest)),
        time(samples.time_S[row].item<int64_t>()) {}
  static std::vector<int64_t> last(std::span<const int64_t> span, int64_t newest) {
    const auto kept = span.last(std::min<size_t>(span.size(), static_cast<size_t>(newest)));
    return {kept.begin(), kept.end()};
  }
  std::vector<int64_t> history, times;
  int64_t time;
};

// --- layers, as the papers write them

inline torch::Tensor normalised(const torch::Tensor& x, double eps) {
  const torch::Tensor centred = x - x.mean(-1, true);
  return centred / (centred.square().mean(-1, true) + eps).sqrt();
}

inline torch::Tensor layer_norm(const Values& p, const std::string& name, const torch::Tensor& x) {
  return normalised(x, 1e-8) * p.at(name + ".weight") + p.at(name + ".bias");
}

inline torch::Tensor linear(const Values& p, const std::string& name, const torch::Tensor& x) {
  return torch::matmul(x, p.at(name + ".weight").t()) + p.at(name + ".bias");
}

// The item table; with the encoder's vectors where they are added.
inline torch::Tensor item_table(const Values& p, const torch::Tensor& x_ND) {
  if (!p.contains("item_vectors.weight")) return p.at("items");
  torch::Tensor x = x_ND.to(torch::kFloat64) - x_ND.to(torch::kFloat64).mean(0);
  x = x / x.square().mean().sqrt();
  return p.at("items") + torch::matmul(x, p.at("item_vectors.weight").t());
}

inline torch::Tensor item_scores(const Values& p, const torch::Tensor& items_ND,
                                 const torch::Tensor& h_D) {
  if (!p.contains("outputs.weight")) return torch::mv(items_ND, h_D);
  return torch::mv(p.at("outputs.weight"), h_D) + p.at("outputs.bias");
}

// --- a part against its formula

// [N] float64: the scores behind a row's history.
using Formula = std::function<torch::Tensor(const Values&, const Row& row)>;
// Of scores and the label; `row` counts the labels in the order of the part's batch.
using LossFormula = std::function<double(const torch::Tensor& score_N, int64_t label, int64_t row)>;

inline double softmax_loss(const torch::Tensor& score_N, int64_t label, int64_t /*row*/) {
  return (torch::logsumexp(score_N, 0) - score_N[label]).item<double>();
}

inline double mean_loss(const Values& values, const Formula& formula, const LossFormula& loss,
                        const Samples& rows, int64_t max_length) {
  double sum = 0;
  for (int64_t row = 0; row < rows.size(); ++row)
    sum += loss(formula(values, Row(rows, row, max_length)), rows.target(row), row);
  return sum / static_cast<double>(rows.size());
}

struct Case {
  std::string part;
  OptionTexts options;
  Formula formula = {};
  int64_t max_length = 50;
  LossFormula loss = softmax_loss;
};

// A part of scattered weights that does not drop, and whose one step moves nothing.
struct Scattered {
  Scattered(RandomWorld& world, const Case& of) {
    OptionTexts options = of.options;
    options.insert(
        {{"dropout", "0"}, {"learning_rate", "0"}, {"batch", "1000"}, {"repeats", "true"}});
    part = make_part<Recommender>(of.part, context, options);
    const Dataset seen = world.data.without_test();
    part->fit({.data = seen, .sids = nullptr, .x_ND = world.x_ND}, context);
    world.scatter(steps_of(*part)->parameters());
    values = doubles_of(steps_of(*part)->parameters());
  }
  TestContext context;
  std::shared_ptr<Recommender> part;
  Values values;
};

// Lists and scores of all items, against the formula.
inline void expect_lists(RandomWorld& world, const Case& of) {
  const Scattered scattered(world, of);
  TestContext context;
  const int64_t num_items = world.data.items.size();
  const Samples& rows = world.data.test;
  const Rankings rankings = scattered.part->rank(rows, num_items, context);
  for (int64_t row = 0; row < rows.size(); ++row) {
    const torch::Tensor expected_N = of.formula(scattered.values, Row(rows, row, of.max_length));
    const torch::Tensor listed_N =
        rankings.score_SM[row].to(torch::kFloat64);  // of the items in their order
    const torch::Tensor error =
        (expected_N.index_select(0, rankings.item_SM[row]) - listed_N).abs();
    EXPECT_LT(error.max().item<double>(), 2e-4 * (1 + expected_N.abs().max().item<double>()))
        << of.part << ", row " << row;
    EXPECT_TRUE((listed_N.slice(0, 1) <= listed_N.slice(0, 0, num_items - 1)).all().item<bool>());
  }
}

// The loss of the first step, and its gradient against finite differences of the formula loss_at().
template <class LossAt>
void expect_first_step(RandomWorld& world, const Case& of, const LossAt& loss_at) {
  Scattered scattered(world, of);
  Stepwise& steps = *steps_of(*scattered.part);
  steps.step(0, scattered.context);
  const double loss = scattered.context.numbers.at("train.loss").front();
  EXPECT_NEAR(loss, loss_at(scattered.values), 1e-4 * (1 + loss)) << of.part;
  for (const nn::Parameter& parameter : steps.parameters()) {
    const torch::Tensor gradient = parameter.value.grad().to(torch::kFloat64).flatten();
    const double scale = 1 + gradient.abs().max().item<double>();
    for (int64_t tried = 0; tried < 4; ++tried) {
      // Three places that are drawn, and the one that matters most.
      const int64_t at =
          tried < 3 ? torch::randint(0, gradient.size(0), {1}, world.generator).item<int64_t>()
                    : gradient.abs().argmax().item<int64_t>();
      constexpr double kStep = 1e-5;
      const auto moved = [&](double by) {
        Values values = scattered.values;
        torch::Tensor& value = values.at(parameter.name);
        value = value.clone();
        value.view({-1})[at] += by;
        return loss_at(values);
      };
      const double expected = (moved(kStep) - moved(-kStep)) / (2 * kStep);
      EXPECT_NEAR(gradient[at].item<double>(), expected, 3e-4 * scale)
          << of.part << ": " << parameter.name << "[" << at << "]";
    }
  }
}

// Of all training rows, each by its formula.
inline void expect_loss_and_gradient(RandomWorld& world, const Case& of) {
  expect_first_step(world, of, [&](const Values& values) {
    return mean_loss(values, of.formula, of.loss, world.data.train, of.max_length);
  });
}

}  // namespace tsrec::test
