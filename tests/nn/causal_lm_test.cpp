#include "tsrec/nn/causal_lm.hpp"

#include <thread>

#include "support/support.hpp"
#include "support/toy_shape.hpp"
#include "tsrec/io/files.hpp"
#include "tsrec/io/safetensors.hpp"
#include "tsrec/nn/attention.hpp"
#include "tsrec/nn/label_log_probs.hpp"
#include "tsrec/nn/work.hpp"
#include "tsrec/product.hpp"

namespace tsrec::test {
namespace {

using Matrix = std::vector<std::vector<double>>;

nn::LmShape small_shape(bool tied = true) {
  nn::LmShape shape = toy_shape(/*vocabulary=*/30, /*width=*/12, /*mlp_width=*/10, 0.4);
  shape.head_width = 4;  // queries wider than the stream
  shape.rope_theta = 100;
  shape.tied = tied;
  return shape;
}

nn::CausalLm make_model(const nn::LmShape& shape, uint64_t seed = 4) {
  nn::CausalLm model(shape, torch::kFloat32, torch::kCPU);
  model.init_random(at::detail::createCPUGenerator(seed));
  const torch::NoGradGuard no_grad;
  uint64_t index = 100;
  for (const nn::Parameter& parameter :
       model.parameters()) {  // norms and biases away from one and zero
    parameter.value.add_(
        0.1 * torch::randn(parameter.value.sizes(), at::detail::createCPUGenerator(index++)));
  }
  return model;
}

// --- The model again, from its formulas, in double precision with plain loops --------------------
class PlainModel {
 public:
  explicit PlainModel(nn::CausalLm& model) : shape_(model.shape()) {
    for (const nn::Parameter& parameter : model.parameters()) {
      const torch::Tensor value =
          parameter.value.detach().to(torch::kFloat64).reshape({parameter.value.size(0), -1});
      Matrix& matrix = weights_[parameter.name];
      for (int64_t r = 0; r < value.size(0); ++r) {
        matrix.emplace_back(value[r].const_data_ptr<double>(),
                            value[r].const_data_ptr<double>() + value.size(1));
      }
    }
  }

  Matrix hidden(const std::vector<int32_t>& ids) const {
    Matrix x;
    for (const int32_t id : ids)
      x.push_back(weights_.at("model.embed_tokens.weight")[static_cast<size_t>(id)]);
    for (int64_t l = 0; l < shape_.layers; ++l) {
      const std::string p = c10::str("model.layers.", l, ".");
      add(x, attention(norm(x, p + "input_layernorm.weight"), p));
      add(x, mlp(norm(x, p + "post_attention_layernorm.weight"), p));
    }
    return norm(x, "model.norm.weight");
  }

 private:
  static void add(Matrix& x, const Matrix& y) {
    for (size_t t = 0; t < x.size(); ++t) {
      for (size_t d = 0; d < x[t].size(); ++d) x[t][d] += y[t][d];
    }
  }
  Matrix norm(const Matrix& x, const std::string& name) const {
    Matrix y = x;
    for (auto& row : y) {
      double square = 0;
      for (const double value : row) square += value * value / static_cast<double>(row.size());
      for (size_t d = 0; d < row.size(); ++d)
        row[d] *= weights_.at(name)[d][0] / std::sqrt(square + shape_.norm_eps);
    }
    return y;
  }
  std::vector<double> times(const std::string& name, const std::vector<double>& x) const {
    std::vector<double> y;
    for (const auto& row : weights_.at(name))
      y.push_back(std::inner_product(row.begin(), row.end(), x.begin(), 0.0));
    return y;
  }
  // By wavelengths, piece by piece, as the scaling was published.
  double frequency(size_t i) const {
    const double plain = std::pow(
        shape_.rope_theta, -2.0 * static_cast<double>(i) / static_cast<double>(shape_.head_width));
    const nn::RopeScaling& s = shape_.rope_scaling;
    if (s.kind.empty()) return plain;
    if (s.kind == "linear") return plain / s.factor;
    const double wavelength = 2 * M_PI / plain,
                 positions = static_cast<double>(s.original_positions);
    if (wavelength < positions / s.high_frequency_factor) return plain;
    if (wavelength > positions / s.low_frequency_factor) return plain / s.factor;
    const double smooth = (positions / wavelength - s.low_frequency_factor) /
                          (s.high_frequency_factor - s.low_frequency_factor);
    return (1 - smooth) * plain / s.factor + smooth * plain;
  }
  void rotate(double* head, size_t position) const {
    const auto half = static_cast<size_t>(shape_.head_width) / 2;
    for (size_t i = 0; i < half; ++i) {
      const double angle = static_cast<double>(position) * frequency(i);
      const double a = head[i], b = head[i + half];
      head[i] = a * std::cos(angle) - b * std::sin(angle);
      head[i + half] = b * std::cos(angle) + a * std::sin(angle);
    }
  }
  Matrix attention(const Matrix& x, const std::string& p) const {
    const auto heads = static_cast<size_t>(shape_.heads), kv = static_cast<size_t>(shape_.kv_heads),
               d = static_cast<size_t>(shape_.head_width);
    Matrix qkv;
    for (size_t t = 0; t < x.size(); ++t) {
      qkv.push_back(times(p + "self_attn.qkv_proj.weight", x[t]));
      for (size_t i = 0; i < qkv[t].size() && shape_.qkv_bias; ++i)
        qkv[t][i] += weights_.at(p + "self_attn.qkv_proj.bias")[i][0];
      for (size_t h = 0; h < heads + kv && shape_.qk_norm; ++h) {
        const auto& weight =
            weights_.at(p + (h < heads ? "self_attn.q_norm.weight" : "self_attn.k_norm.weight"));
        double square = 0;
        for (size_t i = 0; i < d; ++i) square += qkv[t][h * d + i] * qkv[t][h * d + i];
        for (size_t i = 0; i < d; ++i)
          qkv[t][h * d + i] *=
              weight[i][0] / std::sqrt(square / static_cast<double>(d) + shape_.norm_eps);
      }
      for (size_t h = 0; h < heads + kv; ++h) rotate(qkv[t].data() + h * d, t);
    }
    Matrix out;
    for (size_t t = 0; t < x.size(); ++t) {
      std::vector<double> mixed(heads * d, 0);
      for (size_t h = 0; h < heads; ++h) {
        const size_t group = h / (heads / kv);
        std::vector<double> weight;
        for (size_t s = 0; s <= t; ++s) {
          double score = 0;
          for (size_t i = 0; i < d; ++i)
            score += qkv[t][h * d + i] * qkv[s][(heads + group) * d + i];
          weight.push_back(std::exp(score / std::sqrt(static_cast<double>(d))));
        }
        const double total = std::accumulate(weight.begin(), weight.end(), 0.0);
        for (size_t s = 0; s <= t; ++s) {
          for (size_t i = 0; i < d; ++i)
            mixed[h * d + i] += weight[s] / total * qkv[s][(heads + kv + group) * d + i];
        }
      }
      out.push_back(times(p + "self_attn.o_proj.weight", mixed));
    }
    return out;
  }
  Matrix mlp(const Matrix& x, const std::string& p) const {
    Matrix out;
    const auto width = static_cast<size_t>(shape_.mlp_width);
    for (const auto& row : x) {
      const std::vector<double> both = times(p + "mlp.gate_up_proj.weight", row);
      std::vector<double> inner;
      for (size_t i = 0; i < width; ++i)
        inner.push_back(both[i] / (1 + std::exp(-both[i])) * both[width + i]);
      out.push_back(times(p + "mlp.down_proj.weight", inner));
    }
    return out;
  }
  nn::LmShape shape_;
  std::map<std::string, Matrix> weights_;
};

TEST(CausalLm, ForwardIsTheFormulaInDoublePrecision) {
  std::vector<nn::LmShape> shapes(5, small_shape());
  shapes[1].qkv_bias = false;  // as Qwen3
  shapes[1].qk_norm = true;
  shapes[2].qkv_bias = false;  // as Llama 2
  shapes[3].rope_scaling = {"linear", 3, 1, 4, 8192};
  shapes[4].rope_scaling = {"llama3", 5, 1, 3, 24};  // wavelengths below, inside and above the step
  shapes[4].head_width = 12;
  shapes[4].rope_theta = 20;
  for (const nn::LmShape& shape : shapes) {
    nn::CausalLm model = make_model(shape);
    const std::vector<int32_t> ids = {3, 7, 7, 1, 29, 0, 12};
    const torch::NoGradGuard no_grad;
    const torch::Tensor hidden = model.hidden(one_row(ids), {});
    const Matrix wanted = PlainModel(model).hidden(ids);
    for (size_t t = 0; t < ids.size(); ++t) {
      for (size_t d = 0; d < 12; ++d) {
        EXPECT_NEAR(hidden[static_cast<int64_t>(t)][static_cast<int64_t>(d)].item<double>(),
                    wanted[t][d], 1e-5);
      }
    }
  }
}

struct Row {
  std::vector<int32_t> prompt, target;
  float weight = 1;
};

std::vector<Row> random_rows() {
  const auto generator = at::detail::createCPUGenerator(12);
  std::vector<Row> rows;
  for (int64_t r = 0; r < 9; ++r) {
    Row row;
    const torch::Tensor ids = torch::randint(30, {12}, generator, torch::kInt64);
    row.prompt = {1, 2, static_cast<int32_t>(r % 3)};
    for (int64_t t = 0; t < r % 5; ++t) row.prompt.push_back(static_cast<int32_t>(10 + t));
    for (int64_t t = 0; t <= r % 4; ++t)
      row.target.push_back(static_cast<int32_t>(ids[t].item<int64_t>()));
    row.weight = 0.5f + static_cast<float>(r);
    rows.push_back(row);
  }
  rows.push_back(rows[2]);  // the same row twice
  Row longer = rows[0];     // one row continues through another's last token
  longer.prompt.insert(longer.prompt.end(), longer.target.begin(), longer.target.end());
  rows.push_back(longer);
  return rows;
}

TEST(PackedBatch, LossAndGradientsEqualThoseOfSingleRows) {
  nn::CausalLm model = make_model(small_shape());
  const std::vector<Row> rows = random_rows();
  const auto leaves = [&] {
    std::vector<torch::Tensor> all;
    for (const nn::Parameter& parameter : model.parameters()) all.push_back(parameter.value);
    return all;
  };
  std::vector<float> weights;
  for (const Row& row : rows) weights.push_back(row.weight);
  torch::Tensor single = torch::zeros({});
  for (const Row& row : rows) {
    std::vector<int32_t> ids = row.prompt;
    ids.insert(ids.end(), row.target.begin(), row.target.end());
    const torch::Tensor log_prob = torch::log_softmax(
        torch::matmul(model.hidden(one_row(ids), {}), model.head().weight_VD.t()), 1);
    for (size_t t = 0; t < row.target.size(); ++t) {
      single =
          single -
          row.weight * log_prob[static_cast<int64_t>(row.prompt.size() + t) - 1][row.target[t]];
    }
  }
  const auto wanted = torch::autograd::grad({single}, leaves());
  for (const bool share : {true, false}) {
    for (const int64_t max_tokens : {1000, 25}) {
      torch::Tensor packed = torch::zeros({});
      int64_t tokens = 0;
      for (const nn::PackedBatch& batch :
           nn::pack(rows, {.max_tokens = max_tokens, .share_prefix = share})) {
        const torch::Tensor hidden = model.hidden(batch, {});
        const torch::Tensor log_prob =
            nn::label_log_prob(model.head(), hidden.index_select(0, batch.at_R), batch.label_R, 5);
        packed = packed - (log_prob * torch::tensor(weights).index_select(0, batch.row_R)).sum();
        tokens += batch.num_tokens();
        EXPECT_LE(batch.num_tokens(), max_tokens);
      }
      EXPECT_NEAR(packed.item<double>() / single.item<double>(), 1, 1e-5);
      const auto got = torch::autograd::grad({packed}, leaves());
      for (size_t i = 0; i < got.size(); ++i) {
        EXPECT_LT((got[i] - wanted[i]).abs().max().item<double>(),
                  1e-5 * wanted[i].abs().max().item<double>())
            << i;
      }
      if (share && max_tokens == 1000) {
        EXPECT_LT(tokens, 35);
      }
    }
  }
}

// Gradients of a scalar by backward(), as trainers take them: added to zeros that are kept.
std::vector<torch::Tensor> taken_gradients(nn::CausalLm& model, const torch::Tensor& scalar) {
  std::vector<torch::Tensor> all;
  for (nn::Parameter& parameter : model.parameters())
    parameter.value.mutable_grad() = torch::zeros_like(parameter.value.detach());
  scalar.backward();
  for (const nn::Parameter& parameter : model.parameters())
    all.push_back(parameter.value.grad().to(torch::kFloat64));
  return all;
}

TEST(CausalLm, ActivationCheckpointingGivesTheSameLossGradientsAndDropout) {
  nn::CausalLm model = make_model(small_shape());
  const nn::PackedBatch batch = nn::pack(random_rows(), {}).front();
  for (const double dropout : {0.0, 0.3}) {
    const auto run = [&](bool checkpoint) {
      nn::ForwardOptions options;
      options.checkpoint = checkpoint;
      options.dropout = dropout;
      options.generator = at::detail::createCPUGenerator(5);
      const torch::Tensor loss =
          (model.hidden(batch, options) *
           torch::randn({batch.num_tokens(), 12}, at::detail::createCPUGenerator(6)))
              .sum();
      auto all = taken_gradients(model, loss);
      all.push_back(loss.detach().to(torch::kFloat64).view({1}));
      return all;
    };
    const auto plain = run(false), checkpointed = run(true);
    for (size_t i = 0; i < plain.size(); ++i)
      EXPECT_TRUE(torch::equal(plain[i], checkpointed[i])) << i;
  }
}

// Completions behind prompts: gradients flow through keys and values into the blocks of the prompts
// as well.
TEST(CausalLm, ActivationCheckpointingBehindAStateGivesTheSameBytes) {
  for (const bool qk_norm : {false, true}) {
    nn::LmShape shape = small_shape();
    shape.qk_norm = qk_norm;
    for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
      nn::CausalLm model(shape, type, torch::kCPU);
      model.init_random(at::detail::createCPUGenerator(8));
      const std::vector<std::vector<int32_t>> prompts = {{1, 2, 3}, {1, 2, 4}, {5}};
      TestContext context;
      const auto run = [&](bool checkpoint) {
        const nn::Prefilled begun = model.prefill(prompts, /*begun=*/nullptr, context, checkpoint);
        nn::PackedBatch tree;
        tree.token_T = torch::tensor({7, 8, 9, 7}, torch::kInt64);
        tree.position_T = torch::tensor({3, 4, 3, 1}, torch::kInt64);
        tree.segments = {{0, 2, begun.segment_B[0], 3},
                         {2, 1, begun.segment_B[1], 3},
                         {3, 1, begun.segment_B[2], 1}};
        // The first token of each completion is predicted by the end of its prompt.
        tree.at_R = torch::tensor({4, 0, 5, 6}, torch::kInt64);
        tree.label_R = torch::tensor({7, 8, 9, 7}, torch::kInt64);
        tree.row_R = torch::tensor({0, 0, 1, 2}, torch::kInt64);
        const torch::Tensor log_prob_R =
            nn::label_log_probs(model, begun, tree, context, checkpoint);
        std::vector<torch::Tensor> all =
            taken_gradients(model, (log_prob_R * torch::tensor({1.0f, -2.0f, 0.5f, 3.0f})).sum());
        all.push_back(log_prob_R.detach());
        return all;
      };
      const auto plain = run(false), checkpointed = run(true);
      for (size_t i = 0; i < plain.size(); ++i) {
        EXPECT_GT(plain[i].abs().max().item<double>(), 0) << i;
        EXPECT_TRUE(torch::equal(plain[i], checkpointed[i])) << type << ", " << i;
      }
    }
  }
}

// In bfloat16 as in float32: packed and shared against row by row, by the relative L2 distance.
TEST(PackedBatch, LossAndGradientsInBfloat16) {
  nn::LmShape shape = small_shape();
  shape.width = 64;
  shape.head_width = 16;
  shape.mlp_width = 96;
  shape.initializer_range = 0.1;
  nn::CausalLm model(shape, torch::kBFloat16, torch::kCPU);
  model.init_random(at::detail::createCPUGenerator(4));
  const std::vector<Row> rows = random_rows();
  const auto loss_of = [&](std::span<const Row> some, bool share) {
    const nn::PackedBatch batch = nn::pack(some, {.share_prefix = share}).front();
    const torch::Tensor hidden = model.hidden(batch, {}).index_select(0, batch.at_R);
    return -nn::label_log_prob(model.head(), hidden, batch.label_R).sum();
  };
  torch::Tensor single = torch::zeros({});
  for (size_t r = 0; r < rows.size(); ++r)
    single = single + loss_of(std::span(rows).subspan(r, 1), false);
  const torch::Tensor packed = loss_of(rows, true);
  EXPECT_NEAR(packed.item<double>() / single.item<double>(), 1, 1e-2);
  const auto wanted = taken_gradients(model, single), got = taken_gradients(model, packed);
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_LT((got[i] - wanted[i]).norm().item<double>(), 2e-2 * wanted[i].norm().item<double>())
        << i;
}

TEST(ModelState, ContinuingBehindAPromptEqualsComputingItAgainForwardAndBackward) {
  nn::CausalLm model = make_model(small_shape());
  const std::vector<std::vector<int32_t>> prompts = {{1, 2, 3}, {1, 2}, {1, 2, 3}, {5}};
  for (const bool share : {true, false}) {
    const nn::PackedPrompts packed = nn::pack_prompts(prompts, share);
    EXPECT_EQ(packed.segment_B[0], packed.segment_B[2]);
    nn::State prefix, longer;
    nn::ForwardOptions first;
    first.keep = &prefix;
    model.hidden(packed.batch, first);
    ASSERT_EQ(prefix->num_tokens(), packed.batch.num_tokens());
    // Two different continuations of prompt 0, one of prompt 1; then one more token behind the
    // second of them.
    const auto past = static_cast<int32_t>(prefix->segments().size());
    nn::PackedBatch next;
    next.token_T = torch::tensor({7, 8, 9, 7}, torch::kInt64);
    next.position_T = torch::tensor({3, 4, 3, 2}, torch::kInt64);
    next.segments = {{0, 2, packed.segment_B[0], 3},
                     {2, 1, packed.segment_B[0], 3},
                     {3, 1, packed.segment_B[1], 2}};
    nn::ForwardOptions second;
    second.past = prefix;
    second.keep = &longer;
    const torch::Tensor hidden = model.hidden(next, second);
    nn::PackedBatch last;
    last.token_T = torch::tensor({4}, torch::kInt64);
    last.position_T = torch::tensor({4}, torch::kInt64);
    last.segments = {{0, 1, past + 1, 4}};
    nn::ForwardOptions third;
    third.past = longer;
    const torch::Tensor end = model.hidden(last, third);
    const auto whole = [&](const std::vector<int32_t>& ids) {
      return model.hidden(one_row(ids), {});
    };
    const torch::Tensor wanted =
        torch::stack({whole({1, 2, 3, 7, 8})[3], whole({1, 2, 3, 7, 8})[4], whole({1, 2, 3, 9})[3],
                      whole({1, 2, 7})[2], whole({1, 2, 3, 9, 4})[4]});
    const torch::Tensor got = torch::cat({hidden, end});
    EXPECT_LT((got - wanted).abs().max().item<double>(), 2e-5);
    const torch::Tensor probe = torch::randn(wanted.sizes(), at::detail::createCPUGenerator(2));
    std::vector<torch::Tensor> leaves;
    for (const nn::Parameter& parameter : model.parameters()) leaves.push_back(parameter.value);
    const auto a = torch::autograd::grad({(got * probe).sum()}, leaves),
               b = torch::autograd::grad({(wanted * probe).sum()}, leaves);
    for (size_t i = 0; i < a.size(); ++i) {
      EXPECT_LT((a[i] - b[i]).abs().max().item<double>(),
                2e-5 * std::max(1.0, b[i].abs().max().item<double>()))
          << i;
    }
  }
}

TEST(ModelState, PromptsBehindACommonBeginningAreThePromptsWhole) {
  const nn::CausalLm model = make_model(small_shape());
  const std::vector<std::vector<int32_t>> prompts = {{1, 2, 3}, {1, 2, 3, 4}, {1, 2, 3}, {1, 2, 5}};
  TestContext context;
  const nn::State begun = model.begin(std::span(prompts[0]).first(2), context);
  ASSERT_EQ(begun->num_tokens(), 2);
  for (const nn::State& start : {begun, nn::State()}) {
    const nn::Prefilled prefilled = model.prefill(prompts, start, context);
    EXPECT_EQ(prefilled.segment_B[0], prefilled.segment_B[2]);
    EXPECT_EQ(prefilled.state->num_tokens(), 5);
    for (size_t b = 0; b < prompts.size(); ++b) {
      const torch::Tensor whole_D = model.hidden(one_row(prompts[b]), {})[-1];
      EXPECT_LT((prefilled.last_BD[static_cast<int64_t>(b)] - whole_D).abs().max().item<double>(),
                2e-5);
      const nn::Segment& end =
          prefilled.state->segments()[static_cast<size_t>(prefilled.segment_B[b])];
      EXPECT_EQ(end.position + end.length, std::ssize(prompts[b]));
    }
    EXPECT_TRUE(prefilled.last_BD.requires_grad());
  }
  EXPECT_EQ(begun->num_tokens(), 2);  // whoever went on from it left it as it was
}

TEST(ModelState, OfAnotherModelIsRefused) {
  nn::LmShape deeper = small_shape();
  ++deeper.layers;
  TestContext context;
  nn::State state;
  make_model(small_shape()).append(one_row({1, 2}), state, context);
  EXPECT_TRUE(
      contains(message_of<Error>([&] { make_model(deeper).append(one_row({3}), state, context); }),
               "another model"));
}

// In bfloat16: the formula on the same numbers, but for one rounding of what comes out.
TEST(Attention, KernelEqualsTheMaskedFormulaInDoublePrecision) {
  for (const torch::ScalarType type : {torch::kFloat32, torch::kBFloat16}) {
    const double tolerance = type == torch::kFloat32 ? 1e-5 : 2e-2;
    nn::PackedBatch batch;
    const int64_t T = 11;
    batch.token_T = torch::zeros({T}, torch::kInt64);
    batch.segments = {{0, 4, -1, 0}, {4, 3, 0, 4}, {7, 2, 0, 4}, {9, 1, 2, 6}, {10, 1, -1, 0}};
    const std::vector<int64_t> segment_of = {0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 4},
                               parent = {-1, 0, 0, 2, -1};
    const auto sees = [&](int64_t t, int64_t s) {
      for (int64_t at = segment_of[static_cast<size_t>(t)]; at >= 0;
           at = parent[static_cast<size_t>(at)]) {
        if (segment_of[static_cast<size_t>(s)] == at) return s <= t;
      }
      return false;
    };
    const auto draw = [&](int64_t heads, uint64_t seed) {
      return torch::randn({11, heads, 6}, at::detail::createCPUGenerator(seed))
          .to(type)
          .requires_grad_();
    };
    const torch::Tensor q = draw(4, 1), k = draw(2, 2), v = draw(2, 3), probe = draw(4, 4).detach();
    const torch::Tensor got = nn::AttentionPlan(batch, nullptr)(q, k, v, {});
    torch::Tensor mask = torch::zeros({T, T}, torch::kFloat64);
    for (int64_t t = 0; t < T; ++t) {
      for (int64_t s = 0; s < T; ++s) {
        if (!sees(t, s)) mask[t][s] = -1e30;
      }
    }
    const auto wide = [](const torch::Tensor& x) { return x.to(torch::kFloat64); };
    const torch::Tensor score =
        torch::einsum("thd,shd->hts", {wide(q), wide(k).repeat_interleave(2, 1)}) / std::sqrt(6.0);
    const torch::Tensor wanted = torch::einsum(
        "hts,shd->thd", {torch::softmax(score + mask, 2), wide(v).repeat_interleave(2, 1)});
    EXPECT_EQ(got.scalar_type(), type);
    EXPECT_LT((got - wanted).abs().max().item<double>(), tolerance);
    const auto a = torch::autograd::grad({(got * probe).sum()}, {q, k, v}),
               b = torch::autograd::grad({(wanted * wide(probe)).sum()}, {q, k, v});
    for (size_t i = 0; i < 3; ++i)
      EXPECT_LT((a[i] - b[i]).abs().max().item<double>(), tolerance) << type << i;
  }
}

// One text of 150 tokens: every number of keys up to there, and heads of many widths.
TEST(Attention, OfEveryLengthAndWidthIsTheFormula) {
  const int64_t T = 150;
  nn::PackedBatch batch;
  batch.token_T = torch::zeros({T}, torch::kInt64);
  batch.segments = {{0, 70, -1, 0}, {70, 80, 0, 70}};
  const torch::Tensor unseen = torch::ones({T, T}, torch::kBool).triu(1);
  for (const int64_t width : {2, 10, 16, 24, 40, 48, 56, 64, 72, 136}) {
    const auto draw = [&](int64_t heads, uint64_t seed) {
      return torch::randn({T, heads, width}, at::detail::createCPUGenerator(seed)).requires_grad_();
    };
    const torch::Tensor q = draw(2, 1), k = draw(1, 2), v = draw(1, 3), probe = draw(2, 4).detach();
    const torch::Tensor got = nn::AttentionPlan(batch, nullptr)(q, k, v, {});
    const auto wide = [](const torch::Tensor& x) { return x.to(torch::kFloat64).transpose(0, 1); };
    const torch::Tensor score =
        torch::matmul(wide(q), wide(k).transpose(1, 2)) / std::sqrt(static_cast<double>(width));
    const torch::Tensor wanted =
        torch::matmul(torch::softmax(score.masked_fill(unseen, -1e30), 2), wide(v));
    EXPECT_LT((wide(got) - wanted).abs().max().item<double>(), 1e-5) << width;
    const auto a = torch::autograd::grad({(got * probe).sum()}, {q, k, v}),
               b = torch::autograd::grad({(wanted * wide(probe)).sum()}, {q, k, v});
    for (size_t i = 0; i < 3; ++i)
      EXPECT_LT((a[i] - b[i]).norm().item<double>(), 1e-5 * b[i].norm().item<double>())
          << width << i;
  }
}

TEST(CausalLm, SavedModelsLoadToTheSameBytes) {
  for (const bool tied : {true, false}) {
    nn::CausalLm model = make_model(small_shape(tied));
    const torch::Tensor rows = torch::randn({4, 12}, at::detail::createCPUGenerator(1));
    model.set_rows(28, rows, tied ? torch::Tensor() : 2 * rows);
    EXPECT_EQ(model.shape().vocabulary, 32);
    EXPECT_TRUE(torch::equal(model.embedding().slice(0, 28), rows));
    EXPECT_TRUE(torch::equal(model.head().weight_VD.slice(0, 28), tied ? rows : 2 * rows));
    const TempFolder folder;
    model.save(folder.path());
    nn::write_hf_config(model.shape(), 0, folder.path());
    nn::CausalLm loaded(nn::read_hf_config(folder.path()), torch::kFloat32, torch::kCPU);
    loaded.load(folder.path());
    const auto a = model.parameters(), b = loaded.parameters();
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i)
      EXPECT_TRUE(torch::equal(a[i].value, b[i].value)) << a[i].name;
    const std::string bytes = io::read_text(folder.path() / "model.safetensors");
    loaded.save(folder.path());
    EXPECT_EQ(bytes, io::read_text(folder.path() / "model.safetensors"));
  }
}

// Weights may lie in the checkpoint's own mapped memory: training must not reach the file, and the
// file may go away.
TEST(CausalLm, ALoadedModelChangesAloneAndOutlivesItsFile) {
  const TempFolder folder;
  const nn::LmShape shape = small_shape();
  make_model(shape).save(folder.path());
  const std::string bytes = io::read_text(folder.path() / "model.safetensors");
  nn::CausalLm model(shape, torch::kFloat32, torch::kCPU);
  model.load(folder.path());
  const torch::Tensor before = model.embedding().detach().clone();
  {
    const torch::NoGradGuard no_grad;
    for (const nn::Parameter& parameter : model.parameters()) parameter.value.add_(1);
  }
  EXPECT_EQ(io::read_text(folder.path() / "model.safetensors"), bytes);
  std::filesystem::remove(folder.path() / "model.safetensors");
  EXPECT_TRUE(torch::equal(model.embedding().detach(), before + 1));
}

// A bfloat16 checkpoint in float32: inference reads the stored numbers, training widens them. Both
// are the same model.
// In float32 everywhere; in bfloat16 where the processor has it.
TEST(CausalLm, PackedWeightsServeForwardsUntilTheModelChanges) {
  for (const torch::ScalarType precision : {torch::kFloat32, torch::kBFloat16}) {
    if (precision == torch::kBFloat16 && !can_pack(precision)) continue;
    ASSERT_TRUE(can_pack(precision));
    const double tolerance = precision == torch::kFloat32 ? 1e-5 : 3e-2;
    nn::CausalLm model(small_shape(), precision, torch::kCPU);
    model.init_random(at::detail::createCPUGenerator(31));
    const nn::PackedBatch batch = nn::pack(random_rows(), {}).front();
    ASSERT_LT(batch.num_tokens(), 128);
    const auto hidden = [&] {
      const torch::NoGradGuard no_grad;
      return model.hidden(batch, {}).to(torch::kFloat32);
    };
    const torch::Tensor plain_TD = hidden();
    model.pack_weights();
    const torch::Tensor packed_TD = hidden();
    EXPECT_LT((packed_TD - plain_TD).abs().max().item<double>(), tolerance);

    const torch::NoGradGuard no_grad;
    for (const nn::Parameter& parameter : model.parameters()) parameter.value.mul_(1.5);
    const torch::Tensor changed_TD = hidden();
    EXPECT_GT((changed_TD - plain_TD).abs().max().item<double>(), 1e-2);
    const nn::CausalLm copy = model.copy();
    EXPECT_LT((copy.hidden(batch, {}).to(torch::kFloat32) - changed_TD).abs().max().item<double>(),
              tolerance);
  }
}

TEST(CausalLm, ANarrowerCheckpointGivesTheSameNumbersBeforeAndAfterItIsWidened) {
  for (const bool tied : {true, false}) {
    const TempFolder folder;
    const nn::LmShape shape = small_shape(tied);
    nn::CausalLm narrow(shape, torch::kBFloat16, torch::kCPU);
    auto generator = at::detail::createCPUGenerator(5);
    narrow.init_random(generator);
    const torch::NoGradGuard no_grad;
    for (const nn::Parameter& parameter : narrow.parameters())  // biases and norms are not 0 and 1
      parameter.value.add_(0.1 * torch::randn(parameter.value.sizes(), generator));
    narrow.save(folder.path());
    const auto load = [&] {
      nn::CausalLm model(shape, torch::kFloat32, torch::kCPU);
      model.load(folder.path());
      return model;
    };
    const nn::CausalLm stored = load();
    nn::CausalLm widened = load();
    const auto a = narrow.parameters(), b = widened.parameters();
    for (size_t i = 0; i < a.size(); ++i)
      EXPECT_TRUE(torch::equal(a[i].value.to(torch::kFloat32), b[i].value)) << a[i].name;

    const nn::PackedBatch batch = nn::pack(random_rows(), {}).front();
    const torch::Tensor wanted_TD = widened.hidden(batch, {}), got_TD = stored.hidden(batch, {});
    EXPECT_LT((wanted_TD - got_TD).abs().max().item<double>(), 1e-5);
    EXPECT_EQ(stored.head().weight_VD.scalar_type(), torch::kBFloat16);
    const auto probabilities = [&](const nn::CausalLm& model) {
      return torch::cat({nn::log_normalizer(model.head(), got_TD),
                         nn::logits(model.head(), got_TD, {3, 11}).flatten()});
    };
    EXPECT_LT((probabilities(widened) - probabilities(stored)).abs().max().item<double>(), 1e-5);
    EXPECT_EQ(stored.flops_per_token(), widened.flops_per_token());
    TestContext context;
    nn::count_work(stored, /*tokens=*/3, /*rows=*/2, /*columns=*/5, context);
    EXPECT_EQ(stored.head().weight_VD.scalar_type(), torch::kBFloat16);  // counting widens nothing
    nn::CausalLm packed = load();
    packed.pack_weights();
    EXPECT_LT((packed.hidden(batch, {}) - wanted_TD).abs().max().item<double>(), 1e-5);
    EXPECT_TRUE(torch::equal(stored.copy().embedding(), widened.embedding()));
    const torch::AutoGradMode with_grad(true);
    EXPECT_TRUE(torch::equal(stored.hidden(batch, {}), widened.hidden(batch, {})));
  }
}

nn::LmShape shape_of(const std::string& config) {
  const TempFolder folder;
  folder.write("config.json", config);
  return nn::read_hf_config(folder.path());
}

TEST(HfConfig, WhatIsNotSupportedIsRefusedWithKeyAndValue) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"model_type": "gpt2"})", "model_type = \"gpt2\"; supported are qwen2"},
      {"{}", "model_type = null; supported are qwen2"},
      {R"({"model_type": "qwen2", "rope_scaling": {"type": "yarn"}})",
       "type = \"yarn\"; supported rope scalings are default, linear and llama3"},
      {R"({"model_type": "llama", "rope_parameters": {"rope_type": "dynamic"}})",
       "rope_type = \"dynamic\""},
      {R"({"model_type": "llama", "rope_scaling": {"type": "linear"}})", "factor = null"},
      {R"({"model_type": "llama", "rope_scaling": 2})", "rope_scaling = 2; expected an object"},
      {R"({"model_type": "llama", "partial_rotary_factor": 0.5})", "partial_rotary_factor = 0.5"},
      {R"({"model_type": "llama", "attention_bias": true})", "attention_bias = true"},
      {R"({"model_type": "llama", "mlp_bias": true})", "mlp_bias = true; supported is false"},
      {R"({"model_type": "llama", "hidden_act": "gelu"})", "hidden_act = \"gelu\""},
      {R"({"model_type": "llama", "dtype": "float8_e4m3fn"})", "dtype = \"float8_e4m3fn\""},
      {R"({"model_type": "llama", "torch_dtype": "int8"})", "torch_dtype = \"int8\""},
      {R"({"model_type": "llama", "quantization_config": {}})", "quantization_config = {}"},
      {R"({"model_type": "llama", "hidden_size": "wide"})", "hidden_size = \"wide\""},
      {R"({"model_type": "llama", "tie_word_embeddings": 1})", "tie_word_embeddings = 1"},
      {R"({"model_type": "llama", "eos_token_id": "</s>"})", "eos_token_id = \"</s>\""},
      {R"({"model_type": "llama", "num_attention_heads": 0})", "sizes that do not fit together"},
      {R"({"model_type": "qwen3", "use_sliding_window": true})", "use_sliding_window = true"},
      {R"({"model_type": "mistral"})", "sliding_window = 4096 (the default of its family)"},
      {R"({"model_type": "mistral", "sliding_window": 512})", "sliding_window = 512, shorter than"},
      {R"({"model_type": "qwen3", "layer_types": ["full_attention", "sliding_attention"]})",
       "layer_types = ["},
      {"[]", "malformed"},
      {"{", "malformed"}};
  for (const auto& [config, wanted] : cases) {
    const std::string message = message_of<DataError>([&] { shape_of(config); });
    EXPECT_NE(message.find(wanted), std::string::npos) << config << ": " << message;
    EXPECT_NE(message.find("config.json"), std::string::npos) << message;
  }
}

TEST(HfConfig, NullAndAMissingKeyMeanTheDefaultOfTheFamily) {
  const nn::LmShape llama = shape_of(
      R"({"model_type": "llama", "rope_theta": null, "head_dim": null, "hidden_act": null,
          "num_key_value_heads": null, "rope_scaling": null, "tie_word_embeddings": null,
          "dtype": "bfloat16", "quantization_config": null})");
  EXPECT_EQ(llama.vocabulary, 32000);
  EXPECT_EQ(llama.width, 4096);
  EXPECT_EQ(llama.mlp_width, 11008);
  EXPECT_EQ(llama.kv_heads, 32);
  EXPECT_EQ(llama.head_width, 128);
  EXPECT_EQ(llama.rope_theta, 10000);
  EXPECT_EQ(llama.max_positions, 2048);
  EXPECT_FALSE(llama.tied);
  EXPECT_FALSE(llama.bos_id.has_value());
  EXPECT_TRUE(llama.eos_ids.empty());
  const nn::LmShape mistral = shape_of(
      R"({"model_type": "mistral", "sliding_window": null, "num_attention_heads": 16,
          "bos_token_id": 1, "eos_token_id": [2, 7]})");
  EXPECT_EQ(mistral.kv_heads, 8);
  EXPECT_EQ(mistral.head_width, 256);
  EXPECT_EQ(mistral.mlp_width, 14336);
  EXPECT_FALSE(mistral.qkv_bias);
  EXPECT_EQ(mistral.bos_id, 1);
  EXPECT_EQ(mistral.eos_ids, (std::vector<int32_t>{2, 7}));
  EXPECT_EQ(shape_of(R"({"model_type": "mistral", "sliding_window": 4096,
                         "max_position_embeddings": 4096})")
                .max_positions,
            4096);
  EXPECT_EQ(shape_of(R"({"model_type": "qwen3", "hidden_size": 1024})").head_width, 128);
  EXPECT_EQ(
      shape_of(R"({"model_type": "qwen3", "hidden_size": 1024, "head_dim": null})").head_width, 32);
  EXPECT_EQ(shape_of(R"({"model_type": "llama", "rope_parameters":
                         {"rope_theta": 5e5, "rope_type": "default"}})")
                .rope_theta,
            5e5);
}

TEST(HfConfig, WhatIsWrittenKeepsTheControlTokensAndStopsAtTheTokenizersEnd) {
  const auto written = [](const std::string& config, int32_t eos) {
    const TempFolder folder;
    nn::write_hf_config(shape_of(config), eos, folder.path());
    return nn::read_hf_config(folder.path());
  };
  const std::string start = R"({"model_type": "llama", "bos_token_id": 1, "eos_token_id": )";
  EXPECT_EQ(written(start + "2}", 2).bos_id, 1);
  EXPECT_EQ(written(start + "2}", 2).eos_ids, std::vector<int32_t>{2});
  EXPECT_EQ(written(start + "[5, 2]}", 2).eos_ids, (std::vector<int32_t>{5, 2}));
  EXPECT_EQ(written(start + "5}", 2).eos_ids, (std::vector<int32_t>{5, 2}));
  const nn::LmShape mistral = written(R"({"model_type": "mistral", "sliding_window": null})", 2);
  EXPECT_EQ(mistral.family, "mistral");
  EXPECT_FALSE(mistral.bos_id.has_value());
  EXPECT_EQ(mistral.eos_ids, std::vector<int32_t>{2});
}

TEST(CausalLm, AHeadThatContradictsTiedEmbeddingsIsUsedUntied) {
  const TempFolder folder;
  nn::LmShape shape = small_shape();
  shape.tied = false;
  make_model(shape).save(folder.path());
  shape.tied = true;
  nn::CausalLm model(shape, torch::kFloat32, torch::kCPU);
  model.load(folder.path());
  EXPECT_FALSE(model.shape().tied);
  auto stored = io::read_safetensors(folder.path() / "model.safetensors");
  EXPECT_TRUE(torch::equal(model.head().weight_VD, stored.at("lm_head.weight")));
  stored["lm_head.weight"] = stored.at("model.embed_tokens.weight").clone();
  const TempFolder same;
  io::write_safetensors(same.path() / "model.safetensors", {stored.begin(), stored.end()});
  nn::CausalLm tied(shape, torch::kFloat32, torch::kCPU);
  tied.load(same.path());
  EXPECT_TRUE(tied.shape().tied);
  stored.erase("lm_head.weight");
  io::write_safetensors(same.path() / "model.safetensors", {stored.begin(), stored.end()});
  shape.tied = false;
  nn::CausalLm headless(shape, torch::kFloat32, torch::kCPU);
  EXPECT_NE(message_of<DataError>([&] {
              headless.load(same.path());
            }).find("does not say tie_word_embeddings = true"),
            std::string::npos);
}

TEST(CausalLm, Float16CheckpointsAreWidened) {
  const TempFolder folder;
  make_model(small_shape()).save(folder.path());
  io::NamedTensors halves;
  for (const auto& [name, value] : io::read_safetensors(folder.path() / "model.safetensors"))
    halves.emplace_back(name, value.to(torch::kFloat16));
  io::write_safetensors(folder.path() / "model.safetensors", halves);
  for (const auto precision : {torch::kFloat32, torch::kBFloat16}) {
    nn::CausalLm model(small_shape(), precision, torch::kCPU);
    model.load(folder.path());
    EXPECT_EQ(model.head().weight_VD.scalar_type(), precision);
    for (const auto& [name, value] : halves) {
      if (name == "model.embed_tokens.weight") {
        EXPECT_TRUE(torch::equal(model.embedding(), value.to(precision)));
      }
    }
  }
}

TEST(CausalLm, CheckpointsThatAreNotThereYetAreRefusedWithWhatToDo) {
  const auto complaint = [](const std::string& file, const std::string& content) {
    const TempFolder folder;
    folder.write(file, content);
    nn::CausalLm model(small_shape(), torch::kFloat32, torch::kCPU);
    return message_of<DataError>([&] { model.load(folder.path()); });
  };
  const auto has = [](const std::string& message, const char* wanted) {
    return message.find(wanted) != std::string::npos;
  };
  EXPECT_TRUE(has(
      complaint("model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:00\n"),
      "run 'git lfs pull'"));
  EXPECT_TRUE(has(complaint("model.safetensors.index.json",
                            R"({"weight_map": {"a": "model-00001-of-00002.safetensors"}})"),
                  "names the shard model-00001-of-00002.safetensors, which is not beside it; "
                  "download the missing shards"));
  EXPECT_TRUE(has(complaint("model.safetensors", std::string("\x40\0\0\0\0\0\0\0{", 9)),
                  "copy or download it again"));
  EXPECT_TRUE(has(complaint("pytorch_model.bin", "PK"), "safe_serialization=True"));
  EXPECT_TRUE(has(complaint("pytorch_model.bin.index.json", "{}"), "a Python pickle"));
}

TEST(CausalLm, AMissingOrMisshapenTensorIsNamed) {
  const TempFolder folder;
  make_model(small_shape()).save(folder.path());
  nn::LmShape other = small_shape();
  other.layers = 3;
  nn::CausalLm deeper(other, torch::kFloat32, torch::kCPU);
  EXPECT_NE(message_of<DataError>([&] { deeper.load(folder.path()); }).find("model.layers.2."),
            std::string::npos);
  other = small_shape();
  other.vocabulary = 31;
  nn::CausalLm wider(other, torch::kFloat32, torch::kCPU);
  EXPECT_NE(
      message_of<DataError>([&] { wider.load(folder.path()); }).find("model.embed_tokens.weight"),
      std::string::npos);
}

// What LanguageModel says of threads; the weights are stored narrower than the model, and widened
// by whoever comes first with gradients.
TEST(CausalLm, SeveralThreadsGetTheSameBytes) {
  const TempFolder folder;
  nn::CausalLm narrow(small_shape(), torch::kBFloat16, torch::kCPU);
  narrow.init_random(at::detail::createCPUGenerator(9));
  narrow.save(folder.path());
  const std::vector<std::vector<int32_t>> rows = {{1, 2, 3, 4}, {7, 8}, {5, 6, 7, 8, 9, 10}, {29}};
  for (const bool with_gradients : {false, true}) {
    const torch::AutoGradMode mode(with_gradients);
    nn::CausalLm alone(small_shape(), torch::kFloat32, torch::kCPU);
    nn::CausalLm shared(small_shape(), torch::kFloat32, torch::kCPU);
    alone.load(folder.path());
    shared.load(folder.path());
    std::vector<int64_t> differing(rows.size(), 0);
    std::vector<torch::Tensor> wanted;
    for (const auto& row : rows) wanted.push_back(alone.hidden(one_row(row), {}).detach());
    std::vector<std::thread> threads;
    for (size_t t = 0; t < rows.size(); ++t) {
      threads.emplace_back([&, t] {
        const torch::AutoGradMode mode_of_thread(with_gradients);
        for (int i = 0; i < 50; ++i)
          differing[t] += !torch::equal(shared.hidden(one_row(rows[t]), {}).detach(), wanted[t]);
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(differing, std::vector<int64_t>(rows.size(), 0)) << with_gradients;
  }
}

}  // namespace
}  // namespace tsrec::test
