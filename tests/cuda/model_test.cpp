// The model on a device computes what it computes on the processor.
#include "cuda_support.hpp"
#include "tsrec/nn/attention.hpp"
#include "tsrec/nn/head.hpp"
#include "tsrec/nn/optimizer.hpp"
#include "tsrec/nn/transfer.hpp"

namespace tsrec::test {
namespace {

class CudaModel : public Cuda {
 protected:
  ToyWorld world_;
  CudaContext context_;

  std::vector<nn::PackedBatch> packs(int64_t max_tokens = 1000) const {
    return nn::pack(world_.make_examples().rows(), {.max_tokens = max_tokens});
  }
  static torch::Tensor loss(const Backbone& model, const nn::PackedBatch& batch,
                            const nn::ForwardOptions& options) {
    const torch::Tensor hidden_TD = model.hidden(batch, options);
    const torch::Tensor log_prob_R = nn::label_log_prob(
        model.head(), hidden_TD.index_select(0, batch.at_R), batch.label_R, /*chunk_rows=*/7);
    return -(log_prob_R * (1 + batch.row_R.to(torch::kFloat32))).sum();
  }
  static torch::Tensor flat_gradient(const torch::Tensor& loss, Backbone& model) {
    std::vector<torch::Tensor> flat;
    for (const torch::Tensor& gradient : gradients(loss, model)) flat.push_back(gradient.flatten());
    return torch::cat(flat);
  }
  // Loss and gradient on the device against those of the processor.
  void expect_the_same(Backbone& there, double tolerance, const nn::ForwardOptions& options = {}) {
    for (const nn::PackedBatch& batch : packs()) {
      nn::ForwardOptions again = options;
      if (options.generator) again.generator = options.generator->clone();
      const torch::Tensor here = loss(*world_.backbone, batch, options);
      const torch::Tensor moved_loss = loss(there, batch.to(kDevice), again);
      EXPECT_NEAR(moved_loss.item<double>(), here.item<double>(),
                  tolerance * std::abs(here.item<double>()));
      EXPECT_LT(relative_difference(flat_gradient(moved_loss, there),
                                    flat_gradient(here, *world_.backbone)),
                tolerance);
    }
  }
};

TEST_F(CudaModel, LossAndGradientAreThoseOfTheProcessor) {
  const auto there = moved(world_, context_);
  ASSERT_GT(packs().front().segments.size(), 5U);  // prefixes are shared
  expect_the_same(*there, 1e-5);
}

TEST_F(CudaModel, ActivationCheckpointingChangesNothing) {
  const auto there = moved(world_, context_);
  nn::ForwardOptions options;
  options.checkpoint = true;
  const nn::PackedBatch batch = packs().front().to(kDevice);
  const torch::Tensor plain = flat_gradient(loss(*there, batch, {}), *there);
  for (const nn::Parameter& parameter : there->parameters())
    parameter.value.mutable_grad() = torch::zeros_like(parameter.value);
  loss(*there, batch, options).backward();
  std::vector<torch::Tensor> flat;
  for (const nn::Parameter& parameter : there->parameters())
    flat.push_back(parameter.value.grad().flatten());
  EXPECT_LT(relative_difference(torch::cat(flat), plain), 1e-6);
}

TEST_F(CudaModel, DropsTheSameNumbersAsTheProcessor) {
  const auto there = moved(world_, context_);
  nn::ForwardOptions options;
  options.dropout = 0.3;
  options.generator = at::detail::createCPUGenerator(91);
  expect_the_same(*there, 1e-5, options);
}

TEST_F(CudaModel, Bfloat16IsCloseToFloat32) {
  CudaContext context(torch::kBFloat16);
  const auto there = moved(world_, context);
  ASSERT_EQ(there->embedding().scalar_type(), torch::kBFloat16);
  expect_the_same(*there, 3e-2);
}

TEST_F(CudaModel, SeesKeysAndValuesThatItKept) {
  const auto there = moved(world_, context_);
  const std::vector<std::vector<int32_t>> prompts = {{1, 2, 7}, {1, 2, 9, 9}, {4}};
  const torch::NoGradGuard no_grad;
  for (const bool twice : {false, true}) {
    std::vector<torch::Tensor> hidden;
    for (Backbone* model : {world_.backbone.get(), there.get()}) {
      const torch::Device device = model->embedding().device();
      const nn::PackedPrompts packed = nn::pack_prompts(prompts, /*share_prefix=*/true);
      nn::State prefix;
      nn::ForwardOptions options;
      options.keep = &prefix;
      model->hidden(packed.batch.to(device), options);
      const auto extend = [&](const std::vector<int32_t>& parents) {
        nn::PackedBatch batch;
        std::vector<int64_t> tokens, positions;
        for (const int32_t parent : parents) {
          const nn::Segment& above = prefix->segments()[static_cast<size_t>(parent)];
          const int32_t position = above.position + above.length;
          batch.segments.push_back({static_cast<int32_t>(tokens.size()), 2, parent, position});
          for (int32_t t = 0; t < 2; ++t) {
            tokens.push_back(11 + parent + t);
            positions.push_back(position + t);
          }
        }
        batch.token_T = torch::tensor(tokens);
        batch.position_T = torch::tensor(positions);
        options.past = prefix;
        return model->hidden(batch.to(device), options);
      };
      const auto first = static_cast<int32_t>(prefix->segments().size());
      torch::Tensor last = extend({packed.segment_B[2], packed.segment_B[0], packed.segment_B[0]});
      if (twice) last = extend({first + 2, first, first + 1});
      hidden.push_back(last);
    }
    EXPECT_LT(relative_difference(hidden[1], hidden[0]), 1e-5);
  }
}

// Many beams of two prompts, level by level, in half precision.
TEST_F(CudaModel, BeamsSeeTheirPrompts) {
  CudaContext context(torch::kBFloat16);
  TestContext plain;
  const auto there = moved(world_, context);
  std::vector<std::vector<int32_t>> prompts = {{1, 2, 7}, {1, 2, 9, 9}};
  for (std::vector<int32_t>& prompt : prompts)
    prompt.insert(prompt.end(), 24, static_cast<int32_t>(3 + prompt.size()));
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> hidden;
  for (Backbone* model : {world_.backbone.get(), there.get()}) {
    Context& own = model == there.get() ? static_cast<Context&>(context) : plain;
    const nn::Prefilled prefilled = model->prefill(prompts, /*begun=*/nullptr, own);
    nn::State state = prefilled.state;
    std::vector<int32_t> parents;
    for (const int32_t of : prefilled.segment_B) parents.insert(parents.end(), 6, of);
    torch::Tensor last;
    for (const int32_t length : {1, 1, 3}) {
      nn::PackedBatch batch;
      std::vector<int64_t> tokens, positions;
      const auto first = static_cast<int32_t>(state->segments().size());
      for (size_t b = 0; b < parents.size(); ++b) {
        const nn::Segment& above = state->segments()[static_cast<size_t>(parents[b])];
        const int32_t position = above.position + above.length;
        batch.segments.push_back(
            {static_cast<int32_t>(tokens.size()), length, parents[b], position});
        for (int32_t t = 0; t < length; ++t) {
          tokens.push_back(static_cast<int64_t>(10 + b) + t);
          positions.push_back(position + t);
        }
        parents[b] = first + static_cast<int32_t>(b);
      }
      batch.token_T = torch::tensor(tokens);
      batch.position_T = torch::tensor(positions);
      last = model->append(batch, state, own);
    }
    hidden.push_back(last);
  }
  EXPECT_LT(relative_difference(hidden[1], hidden[0]), 2e-2);
}

TEST_F(CudaModel, OptimizerTakesTheSameSteps) {
  const auto there = moved(world_, context_);
  for (const bool state : {true, false}) {
    std::vector<torch::Tensor> values;
    std::vector<double> norms;
    for (Backbone* model : {world_.backbone.get(), there.get()}) {
      const auto copy = model->clone();
      nn::FlatParameters parameters(copy->parameters());
      nn::AdamW optimizer(parameters, {.weight_decay = 0.1, .float32_state = state});
      for (uint64_t step = 0; step < 4; ++step) {
        parameters.gradient().copy_(
            torch::randn(parameters.gradient().sizes(), at::detail::createCPUGenerator(step)));
        norms.push_back(parameters.clip(1));
        optimizer.step(0.01);
      }
      values.push_back(parameters.value());
    }
    EXPECT_LT(relative_difference(values[1], values[0]), 1e-6);
    for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(norms[i + 4], norms[i], 1e-5 * norms[i]);
  }
}

}  // namespace
}  // namespace tsrec::test
