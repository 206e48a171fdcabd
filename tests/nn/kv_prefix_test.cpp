// Many small forwards behind each other: their keys and values are laid out anew, and nothing of
// what a token sees changes.
#include "nn/kv_prefix.hpp"

#include "support/support.hpp"
#include "support/toy_shape.hpp"
#include "tsrec/nn/causal_lm.hpp"

namespace tsrec::test {
namespace {

using Tokens = std::vector<int32_t>;

nn::CausalLm grouped_model() {
  nn::CausalLm model(toy_shape(/*vocabulary=*/50, /*width=*/24, /*mlp_width=*/40), torch::kFloat32,
                     torch::kCPU);
  model.init_random(at::detail::createCPUGenerator(3));
  return model;
}

struct Branch {
  Tokens tokens;
  int32_t segment;
};

// A step of one token behind some of the last step's branches; hidden states [B, D].
torch::Tensor step(const nn::CausalLm& model, std::vector<Branch>& branches,
                   const std::vector<int64_t>& parents, const torch::Tensor& token_B,
                   nn::State& state, Context& context) {
  nn::PackedBatch batch;
  batch.token_T = token_B;
  std::vector<int64_t> positions;
  std::vector<Branch> grown;
  const auto first = static_cast<int32_t>(state->segments().size());
  for (size_t b = 0; b < parents.size(); ++b) {
    Branch branch = branches[static_cast<size_t>(parents[b])];
    const auto position = static_cast<int32_t>(branch.tokens.size());
    batch.segments.push_back({static_cast<int32_t>(b), 1, branch.segment, position});
    positions.push_back(position);
    branch.tokens.push_back(token_B[static_cast<int64_t>(b)].item<int32_t>());
    branch.segment = first + static_cast<int32_t>(b);
    grown.push_back(branch);
  }
  batch.position_T = torch::tensor(positions, torch::kInt64);
  branches = grown;
  return model.append(batch, state, context);
}

// Prompts with a common beginning, then `steps` steps of five branches, drawn from those of the
// step before: some fork, some die.
void expect_the_same_as_alone(const nn::CausalLm& model, int64_t steps, bool in_order) {
  TestContext context;
  const at::Generator draw = at::detail::createCPUGenerator(9);
  const std::vector<Tokens> prompts = {{1, 2, 3, 4}, {1, 2, 9}, {1, 2, 3, 7, 7, 7}};
  nn::Prefilled prefilled = model.prefill(prompts, /*begun=*/nullptr, context);
  std::vector<Branch> branches;
  for (size_t b = 0; b < prompts.size(); ++b)
    branches.push_back({prompts[b], prefilled.segment_B[b]});
  nn::State state = prefilled.state;
  for (int64_t s = 0; s < steps; ++s) {
    const auto last = static_cast<int64_t>(branches.size());
    std::vector<int64_t> parents;
    for (int64_t b = 0; b < 5; ++b)
      parents.push_back(in_order ? b % last
                                 : torch::randint(last, {1}, draw, torch::kInt64).item<int64_t>());
    const torch::Tensor token_B = torch::randint(50, {5}, draw, torch::kInt64);
    const torch::Tensor hidden_BD = step(model, branches, parents, token_B, state, context);
    if (s % 3 != 0 && s + 1 != steps) continue;
    for (size_t b = 0; b < branches.size(); ++b) {
      const torch::Tensor alone_D = model.hidden(one_row(branches[b].tokens), {})[-1];
      EXPECT_LT((hidden_BD[static_cast<int64_t>(b)] - alone_D).abs().max().item<double>(), 1e-4)
          << "step " << s << " branch " << b;
    }
  }
}

TEST(KvPrefix, WhatWasLaidOutAnewIsSeenAsBefore) {
  const torch::NoGradGuard no_grad;
  const nn::CausalLm model = grouped_model();
  expect_the_same_as_alone(model, 70, /*in_order=*/true);
  expect_the_same_as_alone(model, 70, /*in_order=*/false);
}

TEST(KvPrefix, StepsWithAGraphStayWhereTheyAre) {
  expect_the_same_as_alone(grouped_model(), 20, /*in_order=*/false);
}

TEST(KvPrefix, ALongTextLiesInFewRuns) {
  const torch::NoGradGuard no_grad;
  const nn::CausalLm model = grouped_model();
  TestContext context;
  const std::vector<Tokens> prompts = {{1, 2, 3}, {4, 5}};
  const nn::Prefilled prefilled = model.prefill(prompts, /*begun=*/nullptr, context);
  std::vector<Branch> branches = {{prompts[0], prefilled.segment_B[0]},
                                  {prompts[1], prefilled.segment_B[1]}};
  nn::State state = prefilled.state;
  for (int64_t s = 0; s < 300; ++s)
    step(model, branches, {0, 1}, torch::tensor({s % 50, (s + 7) % 50}, torch::kInt64), state,
         context);
  const auto& prefix = dynamic_cast<const nn::KvPrefix&>(*state);
  EXPECT_EQ(prefix.blocks().size(), 1u + 1 + 2 + 12);  // the prompts, and 300 in base 16
  const std::vector<nn::KvPrefix::Run> chain = prefix.chain(branches[1].segment);
  std::vector<int64_t> lengths;
  for (const nn::KvPrefix::Run& run : chain) lengths.push_back(run.length);
  std::vector<int64_t> wanted = {2, 256, 16, 16};
  wanted.resize(16, 1);
  EXPECT_EQ(lengths, wanted);
}

// A search through SIDs of four levels opens nodes of any depth, a forward after the other.
TEST(KvPrefix, ForwardsThatDoNotGrowOnTheLastOneAreNoSteps) {
  const torch::NoGradGuard no_grad;
  const nn::CausalLm model = grouped_model();
  TestContext context;
  const std::vector<Tokens> prompts = {{1, 2, 3}};
  const nn::Prefilled prefilled = model.prefill(prompts, /*begun=*/nullptr, context);
  nn::State state = prefilled.state;
  for (int64_t s = 0; s < 40; ++s) {
    std::vector<Branch> branches = {{prompts[0], prefilled.segment_B[0]}};
    step(model, branches, {0}, torch::tensor({s}, torch::kInt64), state, context);
  }
  EXPECT_EQ(dynamic_cast<const nn::KvPrefix&>(*state).blocks().size(), 41u);
}

}  // namespace
}  // namespace tsrec::test
