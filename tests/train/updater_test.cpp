#include "tsrec/train/updater.hpp"

#include <barrier>
#include <numeric>
#include <thread>

#include "support/support.hpp"
#include "tsrec/world.hpp"

namespace tsrec::test {
namespace {

std::vector<nn::Parameter> make_parameters(uint64_t seed = 1) {
  const at::Generator generator = at::detail::createCPUGenerator(seed);
  return {{"matrix", torch::randn({3, 4}, generator).requires_grad_(), true},
          {"bias", torch::randn({4}, generator).requires_grad_(), false}};
}

torch::Tensor loss_of(const std::vector<nn::Parameter>& p, const torch::Tensor& x_BD) {
  return (torch::matmul(x_BD, p[0].value) + p[1].value).tanh().square().sum();
}

torch::Tensor rows_of(int64_t step, int64_t part) {
  return torch::randn({5, 3},
                      at::detail::createCPUGenerator(static_cast<uint64_t>(100 * step + part)));
}

// Schedule, clipping, decoupled decay and AdamW by their formulas, in double precision.
TEST(Updater, FollowsTheFormulasInDoublePrecision) {
  TestContext context;
  const int64_t num_steps = 30;
  train::Updater updater(make_parameters(),
                         {.learning_rate = 0.02,
                          .schedule = "cosine",
                          .warmup_steps = 5,
                          .floor = 0.1,
                          .weight_decay = 0.3,
                          .beta2 = 0.95,
                          .clip = 0.7},
                         num_steps, context);
  std::vector<torch::Tensor> w, m, v;
  for (const nn::Parameter& parameter : updater.parameters()) {
    w.push_back(parameter.value.detach().to(torch::kFloat64).clone());
    m.push_back(torch::zeros_like(w.back()));
    v.push_back(torch::zeros_like(w.back()));
  }
  for (int64_t step = 0; step < num_steps; ++step) {
    std::vector<nn::Parameter> exact;
    for (const torch::Tensor& value : w)
      exact.push_back({"", value.clone().requires_grad_(), false});
    const torch::Tensor wanted = loss_of(exact, rows_of(step, 0).to(torch::kFloat64));
    auto gradient = torch::autograd::grad({wanted}, {exact[0].value, exact[1].value});
    const double norm =
        std::sqrt((gradient[0].square().sum() + gradient[1].square().sum()).item<double>());
    const double done = static_cast<double>(step - 5) / 25;
    const double factor =
        step < 5 ? static_cast<double>(step) / 5 : 0.1 + 0.9 * 0.5 * (1 + std::cos(M_PI * done));
    for (size_t i = 0; i < w.size(); ++i) {
      const torch::Tensor g = norm > 0.7 ? gradient[i] * (0.7 / norm) : gradient[i];
      m[i] = 0.9 * m[i] + 0.1 * g;
      v[i] = 0.95 * v[i] + 0.05 * g.square();
      if (i == 0) w[i] *= 1 - 0.02 * factor * 0.3;
      const double t = static_cast<double>(step) + 1;
      w[i] -= 0.02 * factor * (m[i] / (1 - std::pow(0.9, t))) /
              ((v[i] / (1 - std::pow(0.95, t))).sqrt() + 1e-8);
    }
    const torch::Tensor loss = loss_of(updater.parameters(), rows_of(step, 0));
    updater.backward(loss);
    updater.update(step, loss.item<double>(), {}, context);
    updater.report(step, context);
    EXPECT_NEAR(context.numbers["train.gradient_norm"].back(), norm, 1e-4 * (1 + norm));
    EXPECT_NEAR(context.numbers["train.learning_rate"].back(), 0.02 * factor, 1e-12);
    for (size_t i = 0; i < w.size(); ++i)
      EXPECT_LT((updater.parameters()[i].value.detach() - w[i]).abs().max().item<double>(), 2e-4)
          << "step " << step;
  }
}

// A loss or a gradient that is not finite: everything concerned is named, and nothing moved.
TEST(Updater, RefusesWhatIsNotFiniteAndLeavesTheWeights) {
  TestContext context;
  train::Updater updater(make_parameters(), {}, 10, context);
  const auto before = nn::values_of(updater.parameters());
  std::vector<int64_t> rows(40);
  std::iota(rows.begin(), rows.end(), 7);
  const auto refusal = [&](double loss, const std::function<void()>& damage) {
    updater.backward(loss_of(updater.parameters(), rows_of(0, 0)));
    {
      const torch::NoGradGuard no_grad;
      damage();
    }
    const std::string message = message_of<Error>([&] { updater.update(3, loss, rows, context); });
    const auto after = nn::values_of(updater.parameters());
    for (size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(torch::equal(before[i], after[i]));
    return message;
  };
  for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    const std::string gradient =
        refusal(1, [&] { updater.parameters()[1].value.mutable_grad()[2] = bad; });
    EXPECT_TRUE(contains(gradient, "step 3")) << gradient;
    EXPECT_TRUE(contains(gradient, "a gradient is not finite")) << gradient;
    EXPECT_TRUE(contains(gradient, "'bias'")) << gradient;
    EXPECT_TRUE(contains(gradient, "rows: 7, 8, 9,")) << gradient;
    EXPECT_TRUE(contains(gradient, "and 24 more")) << gradient;
    const std::string loss = refusal(bad, [] {});
    EXPECT_TRUE(contains(loss, std::isnan(bad) ? "the loss is NaN" : "the loss is infinite"))
        << loss;
    EXPECT_TRUE(contains(loss, "all gradients are finite")) << loss;
  }
  const std::string both = refusal(std::nan(""), [&] {
    for (const nn::Parameter& parameter : updater.parameters())
      parameter.value.mutable_grad().fill_(std::nan(""));
  });
  EXPECT_TRUE(contains(both, "'matrix'")) << both;
}

TEST(Updater, ResumesToTheSameBytes) {
  TestContext context;
  const train::UpdaterOptions options{.learning_rate = 0.05, .weight_decay = 0.1};
  const auto run = [&](train::Updater& updater, int64_t from, int64_t to) {
    for (int64_t step = from; step < to; ++step) {
      const torch::Tensor loss = loss_of(updater.parameters(), rows_of(step, 0));
      updater.backward(loss);
      updater.update(step, loss.item<double>(), {}, context);
    }
  };
  train::Updater straight(make_parameters(), options, 12, context);
  run(straight, 0, 12);
  train::Updater first(make_parameters(), options, 12, context);
  run(first, 0, 7);
  train::Updater second(make_parameters(/*seed=*/5), options, 12, context);
  nn::set_values(second.parameters(), nn::values_of(first.parameters()));
  const TempFolder folder;
  ArtifactWriter writer(folder.path() / "state");
  first.save(writer);
  writer.close();
  second.load(ArtifactReader(folder.path() / "state"));
  run(second, 7, 12);
  for (size_t i = 0; i < 2; ++i)
    EXPECT_TRUE(torch::equal(straight.parameters()[i].value, second.parameters()[i].value));
}

// Two threads as if they were processes.
class TwoProcesses {
 public:
  class Member final : public World {
   public:
    Member(TwoProcesses& world, int64_t rank) : world_(world), rank_(rank) {}
    int64_t rank() const override { return rank_; }
    int64_t size() const override { return 2; }
    void all_reduce(const torch::Tensor& x) override {
      const std::vector<torch::Tensor> all = exchanged(x);
      x.copy_(all[0] + all[1]);
      barrier();
    }
    void broadcast(const torch::Tensor& x, int64_t root) override {
      const torch::Tensor sent = exchanged(x)[static_cast<size_t>(root)];
      x.copy_(sent);
      barrier();
    }
    void barrier() override { world_.barrier_.arrive_and_wait(); }

   private:
    std::vector<torch::Tensor> exchanged(const torch::Tensor& x) {
      world_.sent_[static_cast<size_t>(rank_)] = x.detach().clone();
      barrier();
      const std::vector<torch::Tensor> all = world_.sent_;
      barrier();
      return all;
    }
    TwoProcesses& world_;
    int64_t rank_;
  };

 private:
  std::barrier<> barrier_{2};
  std::vector<torch::Tensor> sent_{2};
};

class MemberContext final : public TestContext {
 public:
  MemberContext(TwoProcesses& world, int64_t rank) : member_(world, rank) {}
  World& world() override { return member_; }

 private:
  TwoProcesses::Member member_;
};

// Runs work(rank, context) in two threads; an exception of one arrives here.
void in_two(const std::function<void(int64_t, Context&)>& work) {
  TwoProcesses world;
  std::array<std::exception_ptr, 2> thrown;
  std::vector<std::thread> threads;
  for (int64_t rank = 0; rank < 2; ++rank) {
    threads.emplace_back([&, rank] {
      MemberContext context(world, rank);
      try {
        work(rank, context);
      } catch (...) {
        thrown[static_cast<size_t>(rank)] = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& error : thrown) {
    if (error) std::rethrow_exception(error);
  }
}

TEST(Updater, TwoProcessesMoveByTheSumOfTheirGradients) {
  const train::UpdaterOptions options{.learning_rate = 0.05, .weight_decay = 0.1, .clip = 0.5};
  constexpr int64_t kSteps = 6;
  // Alone, on the rows of both.
  TestContext context;
  train::Updater alone(make_parameters(), options, kSteps, context);
  std::vector<double> norms;
  for (int64_t step = 0; step < kSteps; ++step) {
    alone.backward(loss_of(alone.parameters(), torch::cat({rows_of(step, 0), rows_of(step, 1)})));
    alone.update(step, 1, {}, context);
    alone.report(step, context);
  }
  std::array<std::vector<torch::Tensor>, 2> values;
  std::array<std::vector<double>, 2> norms_of;
  in_two([&](int64_t rank, Context& own) {
    // The second begins with other values, and takes the first one's.
    train::Updater updater(make_parameters(rank == 0 ? 1 : 9), options, kSteps, own);
    for (int64_t step = 0; step < kSteps; ++step) {
      updater.backward(loss_of(updater.parameters(), rows_of(step, rank)));
      updater.update(step, 1, {}, own);
      updater.report(step, own);
    }
    values[static_cast<size_t>(rank)] = nn::values_of(updater.parameters());
    norms_of[static_cast<size_t>(rank)] =
        static_cast<TestContext&>(own).numbers["train.gradient_norm"];
  });
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_TRUE(torch::equal(values[0][i], values[1][i]));
    EXPECT_LT((values[0][i] - alone.parameters()[i].value).abs().max().item<double>(), 1e-5);
  }
  EXPECT_EQ(norms_of[0], norms_of[1]);
  for (size_t step = 0; step < kSteps; ++step)
    EXPECT_NEAR(norms_of[0][step], context.numbers["train.gradient_norm"][step], 1e-4);
}

// What one process cannot use stops all of them; nobody waits for one that is gone.
TEST(Updater, NanInOneProcessStopsAll) {
  for (const bool in_the_loss : {true, false}) {
    std::array<std::string, 2> messages;
    in_two([&](int64_t rank, Context& own) {
      train::Updater updater(make_parameters(), {}, 4, own);
      updater.backward(loss_of(updater.parameters(), rows_of(0, rank)));
      if (rank == 1 && !in_the_loss)
        updater.parameters()[1].value.mutable_grad().fill_(std::nan(""));
      const double loss = rank == 1 && in_the_loss ? std::nan("") : 1.0;
      messages[static_cast<size_t>(rank)] =
          message_of<Error>([&] { updater.update(0, loss, {}, own); });
    });
    for (const std::string& message : messages) EXPECT_TRUE(contains(message, "step 0")) << message;
  }
}

TEST(World, OfOneProcessLeavesEverythingAsItIs) {
  TestContext context;
  World& world = context.world();
  EXPECT_EQ(world.rank(), 0);
  EXPECT_EQ(world.size(), 1);
  const torch::Tensor x = torch::ones({3});
  world.all_reduce(x);
  world.broadcast(x, 0);
  world.barrier();
  EXPECT_TRUE(torch::equal(x, torch::ones({3})));
}

}  // namespace
}  // namespace tsrec::test
