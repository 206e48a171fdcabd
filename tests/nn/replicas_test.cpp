#include "tsrec/nn/replicas.hpp"

#include <ATen/Parallel.h>

#include <set>
#include <thread>

#include "support/support.hpp"
#include "tsrec/nn/packed_batch.hpp"

namespace tsrec::test {
namespace {

nn::CausalLm make_model() {
  nn::LmShape shape;
  shape.vocabulary = 40;
  shape.width = 16;
  shape.layers = 2;
  shape.heads = shape.kv_heads = 2;
  shape.head_width = 8;
  shape.mlp_width = 32;
  shape.initializer_range = 0.3;
  nn::CausalLm model(shape, torch::kFloat32, torch::kCPU);
  model.init_random(at::detail::createCPUGenerator(5));
  return model;
}

struct Row {
  std::vector<int32_t> prompt, target;
};

std::vector<Row> random_rows(int64_t count) {
  const torch::Tensor ids =
      torch::randint(0, 40, {count, 9}, at::detail::createCPUGenerator(6), torch::kInt64);
  std::vector<Row> rows;
  for (int64_t r = 0; r < count; ++r) {
    Row& row = rows.emplace_back();
    for (int64_t t = 0; t < 9; ++t)
      (t < 5 ? row.prompt : row.target).push_back(static_cast<int32_t>(ids[r][t].item<int64_t>()));
  }
  return rows;
}

void add_gradient(const nn::CausalLm& model, const nn::PackedBatch& batch) {
  const torch::Tensor hidden_TD = model.hidden(batch, {});
  (-nn::label_log_prob(model.head(), hidden_TD.index_select(0, batch.at_R), batch.label_R).sum())
      .backward();
}

TEST(Replicas, ThreeWorkersGiveTheGradientOfOne) {
  at::set_num_threads(2);
  const auto packs = nn::pack(random_rows(24), {.parts = 3});
  ASSERT_EQ(packs.size(), 3u);
  nn::CausalLm model = make_model();
  nn::FlatParameters parameters(model.parameters());
  parameters.zero_gradient();
  for (const nn::PackedBatch& pack : packs) add_gradient(model, pack);
  const torch::Tensor expected = parameters.gradient().clone();

  nn::Replicas replicas(parameters);
  std::vector<nn::CausalLm> clones;
  for (int i = 0; i < 2; ++i) clones.push_back(model.copy());
  for (nn::CausalLm& clone : clones) replicas.add(clone.parameters());
  const nn::CausalLm* models[] = {&model, &clones[0], &clones[1]};
  for (int again = 0; again < 2; ++again) {  // the second time on used gradients
    replicas.zero_gradient();
    replicas.run([&](int64_t w) { add_gradient(*models[w], packs[static_cast<size_t>(w)]); });
    const double error = (parameters.gradient() - expected).norm().item<double>();
    EXPECT_LE(error, 1e-5 * expected.norm().item<double>());
  }
}

TEST(Replicas, AnUpdateOfTheOriginalIsSeenByAll) {
  nn::CausalLm model = make_model();
  nn::FlatParameters parameters(model.parameters());
  nn::CausalLm clone = model.copy();
  nn::Replicas replicas(parameters);
  replicas.add(clone.parameters());
  {
    const torch::NoGradGuard no_grad;
    parameters.value().mul_(1.5);
  }
  EXPECT_TRUE(torch::equal(clone.embedding(), model.embedding()));
  EXPECT_EQ(clone.embedding().const_data_ptr(), model.embedding().const_data_ptr());
}

TEST(Replicas, WorkersRunOnSeveralThreadsAndTheirErrorsArrive) {
  at::set_num_threads(2);
  std::mutex mutex;
  std::set<std::thread::id> threads;
  nn::run_workers(2, [&](int64_t) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
  });
  EXPECT_EQ(threads.size(), 2u) << "at::parallel_for was compiled without OpenMP";
  EXPECT_THROW(nn::run_workers(2,
                               [](int64_t w) {
                                 if (w == 1) throw DataError("worker 1");
                               }),
               DataError);
  nn::run_workers(2, [](int64_t) { EXPECT_EQ(nn::num_workers(torch::kCPU), 1); });
}

// Cost: tokens after sharing, and a label each.
TEST(Pack, PartsHaveSimilarCostAndKeepEveryLabel) {
  const std::vector<Row> rows = random_rows(101);
  const auto whole = nn::pack(rows, {});
  ASSERT_EQ(whole.size(), 1u);
  for (const int64_t parts : {2, 3, 7}) {
    const auto packs = nn::pack(rows, {.parts = parts});
    ASSERT_EQ(static_cast<int64_t>(packs.size()), parts);
    int64_t labels = 0;
    for (const nn::PackedBatch& pack : packs) {
      labels += pack.at_R.size(0);
      const double cost = static_cast<double>(pack.num_tokens() + pack.at_R.size(0));
      const double share = static_cast<double>(whole[0].num_tokens() + whole[0].at_R.size(0)) /
                           static_cast<double>(parts);
      EXPECT_NEAR(cost, share, 0.1 * share + 24);
    }
    EXPECT_EQ(labels, whole[0].at_R.size(0));
  }
  EXPECT_EQ(nn::pack(std::span(rows).first(1), {.parts = 4}).size(), 1u);
}

// Each worker has as many parts as the others, and none of them a small rest.
TEST(Pack, PartsThatWouldBeTooLargeBecomeAMultipleOfThem) {
  const std::vector<Row> rows = random_rows(101);
  const int64_t whole = nn::pack(rows, {})[0].num_tokens();
  for (const int64_t parts : {2, 3}) {
    const int64_t most = whole / parts * 3 / 4;  // an equal part, and a rest of a third of it
    const auto packs = nn::pack(rows, {.max_tokens = most, .parts = parts});
    EXPECT_EQ(std::ssize(packs) % parts, 0) << packs.size();
    EXPECT_LE(std::ssize(packs), 3 * parts);
    int64_t labels = 0;
    for (const nn::PackedBatch& pack : packs) {
      EXPECT_LE(pack.num_tokens(), most);
      EXPECT_NEAR(static_cast<double>(pack.num_tokens()),
                  static_cast<double>(whole) / static_cast<double>(packs.size()),
                  0.2 * static_cast<double>(most));
      labels += pack.at_R.size(0);
    }
    EXPECT_EQ(labels, nn::pack(rows, {})[0].at_R.size(0));
  }
}

}  // namespace
}  // namespace tsrec::test
