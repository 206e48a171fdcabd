// Vectors of many texts: the pooling by hand, what is computed once, and in which batches.
#include "tsrec/nn/sequence_vectors.hpp"

#include <mutex>
#include <numeric>
#include <set>

#include "support/support.hpp"

namespace tsrec::test {
namespace {

using Rows = std::vector<std::vector<int32_t>>;

constexpr int64_t kWidth = 5;

// The state of a token depends on the token and its position alone.
struct Table {
  torch::Tensor token_VD = torch::randn({50, kWidth}), position_PD = torch::randn({64, kWidth});
  std::vector<int64_t> batch_tokens, lengths;  // asked for
  std::mutex mutex;

  nn::HiddenStates hidden() {
    return [this](const nn::PackedBatch& batch) {
      const std::lock_guard lock(mutex);
      EXPECT_FALSE(torch::GradMode::is_enabled());
      batch_tokens.push_back(batch.num_tokens());
      for (const nn::Segment& segment : batch.segments) lengths.push_back(segment.length);
      return token_VD.index_select(0, batch.token_T) +
             position_PD.index_select(0, batch.position_T);
    };
  }
  torch::Tensor state(const std::vector<int32_t>& row, size_t at) const {
    return (token_VD[row[at]] + position_PD[static_cast<int64_t>(at)]).to(torch::kFloat64);
  }
};

Rows random_token_rows(int64_t count) {
  Rows rows;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t length = torch::randint(0, 12, {1}).item<int64_t>();
    const torch::Tensor ids = torch::randint(50, {length}, torch::kInt32);
    rows.emplace_back(ids.const_data_ptr<int32_t>(), ids.const_data_ptr<int32_t>() + length);
  }
  return rows;
}

double farthest_vector(const torch::Tensor& x_ND, const std::vector<torch::Tensor>& wanted) {
  EXPECT_EQ(x_ND.scalar_type(), torch::kFloat32);
  return (x_ND.to(torch::kFloat64) - torch::stack(wanted)).abs().max().item<double>();
}

TEST(SequenceVectors, ArePooledAsTheyAreNamed) {
  const Rows rows = random_token_rows(40);
  constexpr size_t kOutside = 2;
  std::vector<torch::Tensor> mean, first, last;
  Table table;
  for (const std::vector<int32_t>& row : rows) {
    const torch::Tensor zeros = torch::zeros({kWidth}, torch::kFloat64);
    torch::Tensor sum = zeros;
    for (size_t at = kOutside; at < row.size(); ++at) sum = sum + table.state(row, at);
    mean.push_back(row.size() > kOutside ? sum / static_cast<double>(row.size() - kOutside)
                                         : zeros);
    first.push_back(row.empty() ? zeros : table.state(row, 0));
    last.push_back(row.empty() ? zeros : table.state(row, row.size() - 1));
  }
  TestContext context;
  const auto vectors = [&](nn::Pooling pooling, int64_t outside) {
    return nn::sequence_vectors(
        rows, kWidth, table.hidden(),
        {.pooling = pooling, .outside_mean = outside, .normalize = false, .batch_tokens = 30},
        context);
  };
  EXPECT_LT(farthest_vector(vectors(nn::Pooling::mean, kOutside), mean), 1e-5);
  EXPECT_LT(farthest_vector(vectors(nn::Pooling::cls, 0), first), 1e-6);
  EXPECT_LT(farthest_vector(vectors(nn::Pooling::last, 0), last), 1e-6);
  const torch::Tensor scaled =
      nn::sequence_vectors(rows, kWidth, table.hidden(), {.normalize = true}, context);
  for (size_t i = 0; i < rows.size(); ++i)
    EXPECT_NEAR(scaled[static_cast<int64_t>(i)].norm().item<double>(), rows[i].empty() ? 0 : 1,
                1e-6);
}

TEST(SequenceVectors, EqualRowsAreComputedOnceInBatchesFromShortToLong) {
  Rows rows = random_token_rows(60);
  const Rows again = rows;
  rows.insert(rows.end(), again.begin(), again.end());
  rows.push_back(std::vector<int32_t>(45, 7));  // longer than a batch
  Table table;
  TestContext context;
  const torch::Tensor x_ND =
      nn::sequence_vectors(rows, kWidth, table.hidden(), {.batch_tokens = 30}, context);
  EXPECT_TRUE(torch::equal(x_ND.slice(0, 0, 60), x_ND.slice(0, 60, 120)));
  std::set<std::vector<int32_t>> distinct(rows.begin(), rows.end());
  distinct.erase(std::vector<int32_t>());
  EXPECT_EQ(table.lengths.size(), distinct.size());
  int64_t tokens = 0;
  for (const std::vector<int32_t>& row : distinct) tokens += static_cast<int64_t>(row.size());
  EXPECT_EQ(std::accumulate(table.batch_tokens.begin(), table.batch_tokens.end(), int64_t{0}),
            tokens);
  for (const int64_t size : table.batch_tokens) EXPECT_TRUE(size <= 30 || size == 45) << size;
  EXPECT_LE(static_cast<int64_t>(table.batch_tokens.size()), tokens / 15 + 2) << "batches are full";
  EXPECT_EQ(context.complaint(), "");
}

TEST(SequenceVectors, NothingToDoAndAStop) {
  Table table;
  TestContext context;
  EXPECT_EQ(nn::sequence_vectors({}, kWidth, table.hidden(), {}, context).sizes(),
            (std::vector<int64_t>{0, kWidth}));
  const Rows empty(3);
  EXPECT_TRUE(torch::equal(nn::sequence_vectors(empty, kWidth, table.hidden(), {}, context),
                           torch::zeros({3, kWidth})));
  EXPECT_TRUE(table.batch_tokens.empty());
  context.stop = true;
  const Rows rows = random_token_rows(20);
  EXPECT_TRUE(contains(message_of<Interrupted>([&] {
                         nn::sequence_vectors(rows, kWidth, table.hidden(), {}, context);
                       }),
                       "start again next time"));
}

}  // namespace
}  // namespace tsrec::test
