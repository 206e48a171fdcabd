// Attention over a forest of segments, behind a past and without one, against the formula as a
// masked softmax in double precision, whose gradients LibTorch derives.
#include "tsrec/nn/attention.hpp"

#include <random>

#include "nn/kv_prefix.hpp"
#include "support/support.hpp"

namespace tsrec::test {
namespace {

// Keys that stand behind each other: those of the past's blocks, then the batch's.
struct Forest {
  nn::KvPrefix past;
  nn::PackedBatch batch;
  torch::Tensor sees_TK;  // bool: whether a token of the batch sees a key
};

struct Grown {
  int64_t begin, length;  // keys
  int32_t parent;
};

// Segments of these lengths, each behind one that came before it, or behind none.
std::vector<nn::Segment> grow(const std::vector<int32_t>& lengths, const at::Generator& draw,
                              std::vector<Grown>& all, int64_t first_key) {
  std::vector<nn::Segment> segments;
  int32_t begin = 0;
  for (const int32_t length : lengths) {
    const auto parent =
        torch::randint(-1, static_cast<int64_t>(all.size()), {1}, draw, torch::kInt64)
            .item<int32_t>();
    segments.push_back({begin, length, parent, 0});
    all.push_back({first_key + begin, length, parent});
    begin += length;
  }
  return segments;
}

nn::PackedBatch batch_of(std::vector<nn::Segment> segments) {
  nn::PackedBatch batch;
  batch.token_T = torch::zeros({segments.back().begin + segments.back().length}, torch::kInt64);
  batch.segments = std::move(segments);
  return batch;
}

struct Sizes {
  int64_t heads, kv_heads, width;
};

torch::Tensor random_rows(int64_t rows, int64_t heads, int64_t width, torch::ScalarType type,
                          const at::Generator& draw) {
  return torch::randn({rows, heads, width}, draw).to(type).requires_grad_();
}

// past_lengths: of the segments of each block.
Forest make_forest(const std::vector<std::vector<int32_t>>& past_lengths,
                   const std::vector<int32_t>& lengths, const Sizes& sizes, torch::ScalarType type,
                   const at::Generator& draw) {
  Forest forest;
  std::vector<Grown> all;
  int64_t num_keys = 0;
  for (const std::vector<int32_t>& block_lengths : past_lengths) {
    const nn::PackedBatch batch = batch_of(grow(block_lengths, draw, all, num_keys));
    auto block = std::make_shared<nn::KvPrefix::Block>();
    block->push_back({random_rows(batch.num_tokens(), sizes.kv_heads, sizes.width, type, draw),
                      random_rows(batch.num_tokens(), sizes.kv_heads, sizes.width, type, draw)});
    forest.past.append(batch, std::move(block));
    num_keys += batch.num_tokens();
  }
  const size_t first_own = all.size();
  forest.batch = batch_of(grow(lengths, draw, all, num_keys));
  forest.sees_TK =
      torch::zeros({forest.batch.num_tokens(), num_keys + forest.batch.num_tokens()}, torch::kBool);
  for (size_t s = first_own; s < all.size(); ++s) {
    const int64_t first = all[s].begin - num_keys, end = first + all[s].length;
    for (int64_t t = first; t < end; ++t)
      forest.sees_TK[t].slice(0, all[s].begin, num_keys + t + 1).fill_(true);
    for (int32_t a = all[s].parent; a >= 0; a = all[static_cast<size_t>(a)].parent) {
      const Grown& above = all[static_cast<size_t>(a)];
      forest.sees_TK.slice(0, first, end)
          .slice(1, above.begin, above.begin + above.length)
          .fill_(true);
    }
  }
  return forest;
}

// A row for each head that asks: [T, heads, width] -> [heads, T, width].
torch::Tensor by_head(const torch::Tensor& x_THd, int64_t heads) {
  return x_THd.to(torch::kFloat64)
      .repeat_interleave(heads / x_THd.size(1), /*dim=*/1)
      .permute({1, 0, 2});
}
torch::Tensor by_token(const torch::Tensor& x_HTd, int64_t heads) {
  const torch::Tensor x_THd = x_HTd.permute({1, 0, 2});
  return x_THd.reshape({x_THd.size(0), heads, -1, x_THd.size(2)}).sum(2);
}

struct Result {
  torch::Tensor out, dq, dk, dv;
};

// With a bound for the error of each number that is computed from bfloat16 numbers with float32
// sums, where p and ds may be rounded to bfloat16 before they are multiplied, and so is every
// result: a rounding changes a number x by u |x| at most. delta = out . g comes from the rounded
// out.
struct Reference {
  Result value, bound;
};
Reference by_formula(const Forest& forest, const Sizes& sizes, const torch::Tensor& q,
                     const torch::Tensor& k, const torch::Tensor& v, const torch::Tensor& g) {
  const double u = std::ldexp(1.0, -8), scale = 1 / std::sqrt(static_cast<double>(sizes.width));
  const auto copy = [&](const torch::Tensor& x) {
    return by_head(x.detach(), sizes.heads).contiguous().requires_grad_();
  };
  const torch::Tensor q_HTd = copy(q), k_HKd = copy(k), v_HKd = copy(v),
                      g_HTd = by_head(g, sizes.heads);
  const torch::Tensor p_HTK = torch::matmul(q_HTd, k_HKd.transpose(1, 2))
                                  .mul(scale)
                                  .masked_fill(forest.sees_TK.logical_not(), -INFINITY)
                                  .softmax(-1);
  const torch::Tensor out_HTd = torch::matmul(p_HTK, v_HKd);
  out_HTd.backward(g_HTd);
  const torch::NoGradGuard no_grad;
  const torch::Tensor out_error = u * (torch::matmul(p_HTK, v_HKd.abs()) + out_HTd.abs());
  const torch::Tensor delta = (out_HTd * g_HTd).sum(-1, /*keepdim=*/true),
                      delta_error = (out_error * g_HTd.abs()).sum(-1, /*keepdim=*/true);
  const torch::Tensor ds = scale * p_HTK * (torch::matmul(g_HTd, v_HKd.transpose(1, 2)) - delta);
  const torch::Tensor ds_error = scale * p_HTK * delta_error + u * ds.abs();
  const auto keys = [&](const torch::Tensor& x) { return by_token(x, sizes.kv_heads); };
  const auto queries = [&](const torch::Tensor& x) { return by_token(x, sizes.heads); };
  const auto with_rounding = [&](const torch::Tensor& error, const torch::Tensor& value) {
    return 1.05 * (error + u * value.abs()) + 1e-5;  // and what float32 sums lose
  };
  const Result value{queries(out_HTd), queries(q_HTd.grad()), keys(k_HKd.grad()),
                     keys(v_HKd.grad())};
  return {value,
          {with_rounding(queries(out_error), torch::zeros_like(value.out)),
           with_rounding(queries(torch::matmul(ds_error, k_HKd.abs())), value.dq),
           with_rounding(keys(torch::matmul(ds_error.transpose(1, 2), q_HTd.abs())), value.dk),
           with_rounding(keys(u * torch::matmul(p_HTK.transpose(1, 2), g_HTd.abs())), value.dv)}};
}

void expect_within(const torch::Tensor& x, const torch::Tensor& value, const torch::Tensor& bound,
                   const char* what) {
  const torch::Tensor share = (x.to(torch::kFloat64) - value).abs() / bound;
  EXPECT_LT(share.max().item<double>(), 1) << what;  // false for what is no number
}

void expect_the_formula(const std::vector<std::vector<int32_t>>& past_lengths,
                        const std::vector<int32_t>& lengths, const Sizes& sizes) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(c10::str(sizes.heads, " heads, ", sizes.kv_heads, " for keys, width ", sizes.width,
                        ", seed ", seed));
  const auto type = torch::kBFloat16;
  const at::Generator draw = at::detail::createCPUGenerator(seed);
  const Forest forest = make_forest(past_lengths, lengths, sizes, type, draw);
  const int64_t tokens = forest.batch.num_tokens();
  const torch::Tensor q = random_rows(tokens, sizes.heads, sizes.width, type, draw),
                      k = random_rows(tokens, sizes.kv_heads, sizes.width, type, draw),
                      v = random_rows(tokens, sizes.kv_heads, sizes.width, type, draw);
  const torch::Tensor g = torch::randn(q.sizes(), draw).to(type);
  const nn::AttentionPlan plan(forest.batch, &forest.past);
  const std::vector<nn::KeyValue> past = plan.past(/*layer=*/0);
  const torch::Tensor out = plan(q, k, v, past);
  out.backward(g);
  std::vector<torch::Tensor> keys, values, key_gradients, value_gradients;
  for (const auto& [key, value] : past) {
    keys.push_back(key);
    values.push_back(value);
  }
  keys.push_back(k);
  values.push_back(v);
  for (const torch::Tensor& key : keys) key_gradients.push_back(key.grad());
  for (const torch::Tensor& value : values) value_gradients.push_back(value.grad());
  const auto [value, bound] = by_formula(forest, sizes, q, torch::cat(keys), torch::cat(values), g);
  expect_within(out, value.out, bound.out, "out");
  expect_within(q.grad(), value.dq, bound.dq, "gradient of queries");
  expect_within(torch::cat(key_gradients), value.dk, bound.dk, "gradient of keys");
  expect_within(torch::cat(value_gradients), value.dv, bound.dv, "gradient of values");
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(torch::equal(plan(q, k, v, past), out)) << "without a graph";
}

TEST(Bfloat16Attention, IsTheFormulaForRowsBehindAPrefix) {
  for (const int64_t width : {32, 64, 96, 24})
    expect_the_formula({}, {67, 40, 1, 41, 2, 7}, {3, 3, width});
}

TEST(Bfloat16Attention, IsTheFormulaForMoreQueriesThanOneBlock) {
  expect_the_formula({}, {65, 131, 64}, {2, 2, 64});
}

TEST(Bfloat16Attention, IsTheFormulaBehindAPastOfManyRuns) {
  for (int64_t i = 0; i < 6; ++i)
    expect_the_formula({{13, 1, 18}, {1, 1, 1, 1}, {5, 1}}, {1, 1, 9, 1, 33, 1, 4}, {6, 2, 32});
}

TEST(Bfloat16Attention, IsTheFormulaForHeadsThatShareKeys) {
  expect_the_formula({{70}}, {40, 39, 1}, {9, 3, 64});
}

}  // namespace
}  // namespace tsrec::test
