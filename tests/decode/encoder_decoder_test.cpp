// The decoder over a model that is no decoder: an encoder reads whole prompts, a recurrent decoder
// answers. Its state has no keys and no values.
#include "plugins/trainer/toy_world.hpp"
#include "tsrec/decode/generate.hpp"
#include "tsrec/nn/label_log_probs.hpp"

namespace tsrec::test {
namespace {

// Encoder: the mean of the prompt's rows. Decoder: h' = tanh(h A + row of the token + the encoder's
// output), from a start token.
class EncoderDecoder final : public nn::LanguageModel {
 public:
  static constexpr int32_t kStart = 0;

  explicit EncoderDecoder(int64_t vocabulary) {
    const at::Generator generator = at::detail::createCPUGenerator(8);
    row_VD = torch::randn({vocabulary, 6}, generator).requires_grad_();
    again_DD = torch::randn({6, 6}, generator).requires_grad_();
  }

  torch::Tensor encoded(const std::vector<int32_t>& prompt) const {
    return row_VD.index_select(0, torch::tensor(prompt)).mean(0);
  }
  torch::Tensor next(const torch::Tensor& h_D, int64_t token,
                     const torch::Tensor& encoded_D) const {
    return torch::tanh(torch::matmul(h_D, again_DD) + row_VD[token] + encoded_D);
  }

  torch::Tensor hidden(const nn::PackedBatch& batch,
                       const nn::ForwardOptions& options) const override {
    return run(batch, dynamic_cast<const Memory&>(*options.past), /*encoded_B=*/{}, options.keep);
  }
  torch::Tensor label_hidden(const nn::PackedBatch& batch,
                             const nn::ForwardOptions&) const override {
    std::vector<torch::Tensor> hidden;
    torch::Tensor encoded_D, h_D;
    for (int64_t r = 0; r < batch.row_R.size(0); ++r) {
      const bool is_first = r == 0 || !torch::equal(batch.row_R[r], batch.row_R[r - 1]);
      if (is_first) encoded_D = encoded(prompt_until(batch, batch.at_R[r].item<int32_t>()));
      hidden.push_back(h_D = is_first ? next(torch::zeros({6}), kStart, encoded_D)
                                      : next(h_D, batch.label_R[r - 1].item<int64_t>(), encoded_D));
    }
    return torch::stack(hidden);
  }
  nn::Head head() const override { return {row_VD}; }
  double flops_per_token() const override { return 100; }
  nn::State begin(std::span<const int32_t>, Context&) const override { return nullptr; }
  nn::Prefilled prefill(std::span<const std::vector<int32_t>> prompts, const nn::State&, Context&,
                        bool /*checkpoint*/) const override {
    nn::PackedBatch starts;
    starts.token_T = torch::full({std::ssize(prompts)}, kStart, torch::kInt64);
    std::vector<torch::Tensor> encoded_B;
    nn::Prefilled result;
    for (const std::vector<int32_t>& prompt : prompts) {
      const auto b = static_cast<int32_t>(encoded_B.size());
      starts.segments.push_back({.begin = b, .length = 1, .parent = -1, .position = 0});
      result.segment_B.push_back(b);
      encoded_B.push_back(encoded(prompt));
    }
    result.last_BD = run(starts, Memory(), encoded_B, &result.state);
    return result;
  }

  torch::Tensor row_VD, again_DD;

 private:
  // The tokens from the root to that one.
  static std::vector<int32_t> prompt_until(const nn::PackedBatch& batch, int32_t at) {
    const auto holds = [&](const nn::Segment& s) {
      return s.begin <= at && at < s.begin + s.length;
    };
    std::vector<int32_t> reversed;
    auto segment = std::find_if(batch.segments.begin(), batch.segments.end(), holds);
    while (true) {
      for (; at >= segment->begin; --at) reversed.push_back(batch.token_T[at].item<int32_t>());
      if (segment->parent < 0) return {reversed.rbegin(), reversed.rend()};
      segment = batch.segments.begin() + segment->parent;
      at = segment->begin + segment->length - 1;
    }
  }

  struct Memory final : nn::ModelState {
    std::vector<torch::Tensor> encoded_S, end_S;  // above each segment, and at its end
    using nn::ModelState::append;
    nn::State detached() const override {
      auto copy = std::make_shared<Memory>(*this);
      for (torch::Tensor& encoded : copy->encoded_S) encoded = encoded.detach();
      for (torch::Tensor& end : copy->end_S) end = end.detach();
      return copy;
    }
  };

  torch::Tensor run(const nn::PackedBatch& batch, Memory memory,
                    const std::vector<torch::Tensor>& encoded_B, nn::State* keep) const {
    std::vector<torch::Tensor> hidden;
    for (const nn::Segment& segment : batch.segments) {
      const auto parent = static_cast<size_t>(segment.parent);
      const bool is_root = segment.parent < 0;
      memory.encoded_S.push_back(is_root ? encoded_B[static_cast<size_t>(segment.begin)]
                                         : memory.encoded_S[parent]);
      torch::Tensor h_D = is_root ? torch::zeros({6}) : memory.end_S[parent];
      for (int64_t t = segment.begin; t < segment.begin + segment.length; ++t)
        hidden.push_back(h_D =
                             next(h_D, batch.token_T[t].item<int64_t>(), memory.encoded_S.back()));
      memory.end_S.push_back(h_D);
    }
    memory.append(batch);
    if (keep != nullptr) *keep = std::make_shared<Memory>(std::move(memory));
    return torch::stack(hidden);
  }
};

const std::vector<std::vector<int32_t>> kReadPrompts = {{1, 2, 7}, {1, 2}, {1, 9, 4, 3}, {1, 2, 7}};

struct Asked {
  ToyWorld world;
  EncoderDecoder model{world.backbone->embedding().size(0)};

  // [length]: log p of the target's tokens, token by token over the whole vocabulary.
  torch::Tensor log_probs(const std::vector<int32_t>& prompt,
                          const std::vector<int32_t>& target) const {
    const torch::Tensor encoded_D = model.encoded(prompt);
    torch::Tensor h_D = model.next(torch::zeros({6}), EncoderDecoder::kStart, encoded_D);
    std::vector<torch::Tensor> all;
    for (const int32_t token : target) {
      all.push_back(torch::log_softmax(torch::mv(model.row_VD, h_D), 0)[token]);
      h_D = model.next(h_D, token, encoded_D);
    }
    return torch::stack(all);
  }

  // Every item by the score of its SID and the suffix, best first.
  std::vector<std::pair<double, int64_t>> enumerated(const std::vector<int32_t>& prompt,
                                                     const std::vector<int32_t>& suffix) const {
    std::vector<std::pair<double, int64_t>> all;
    for (int64_t item = 0; item < world.items.size(); ++item) {
      std::vector<int32_t> target = world.vocabulary.ids(world.sids, item);
      target.insert(target.end(), suffix.begin(), suffix.end());
      all.emplace_back(log_probs(prompt, target).sum().item<double>(), item);
    }
    std::sort(all.rbegin(), all.rend());
    return all;
  }
};

TEST(EncoderDecoder, RankingsAreThoseOfEnumeration) {
  const Asked asked;
  TestContext context;
  for (const std::vector<int32_t>& suffix : {std::vector<int32_t>{}, std::vector<int32_t>{5, 6}}) {
    for (const decode::Search search : {decode::Search::beam, decode::Search::exact}) {
      decode::DecodeOptions options;
      options.search = search;
      options.beams = search == decode::Search::exact ? 5 : 12;
      options.suffix = suffix;
      const Rankings lists =
          decode::Decoder(asked.model, asked.world.trie, options).rank(kReadPrompts, context);
      for (size_t row = 0; row < kReadPrompts.size(); ++row) {
        const auto wanted = asked.enumerated(kReadPrompts[row], suffix);
        for (int64_t place = 0; place < options.beams; ++place) {
          const auto& [score, item] = wanted[static_cast<size_t>(place)];
          const auto at = static_cast<int64_t>(row);
          EXPECT_EQ(lists.item_SM[at][place].item<int64_t>(), item) << row << " place " << place;
          EXPECT_NEAR(lists.score_SM[at][place].item<double>(), score, 1e-4);
        }
      }
    }
  }
}

TEST(EncoderDecoder, TextsAreTheLikeliestTokenAfterToken) {
  const torch::NoGradGuard no_grad;
  const Asked asked;
  TestContext context;
  decode::GenerateOptions options;
  options.max_new_tokens = 20;
  options.num_tokens = asked.model.row_VD.size(0);
  const auto texts = decode::generate(asked.model, kReadPrompts, options, context);
  for (size_t row = 0; row < kReadPrompts.size(); ++row) {
    const torch::Tensor encoded_D = asked.model.encoded(kReadPrompts[row]);
    torch::Tensor h_D = asked.model.next(torch::zeros({6}), EncoderDecoder::kStart, encoded_D);
    std::vector<int32_t> wanted;
    for (int t = 0; t < 20; ++t) {
      wanted.push_back(torch::mv(asked.model.row_VD, h_D).argmax().item<int32_t>());
      h_D = asked.model.next(h_D, wanted.back(), encoded_D);
    }
    EXPECT_EQ(texts[row].tokens, wanted) << row;
  }
}

// Shared beginnings: a prompt that ends within another row's target.
TEST(EncoderDecoder, PackedRowsLearnBehindTheirOwnPrompts) {
  const Asked asked;
  TestContext context;
  const std::vector<std::vector<int32_t>> prompts = {{1, 2, 7}, {1, 2}, {1, 2, 7, 9}, {1, 2}},
                                          targets = {{9, 4}, {7, 9, 3}, {3}, {7, 9, 5}};
  std::vector<nn::TokenRow> rows;
  std::vector<torch::Tensor> wanted;
  for (size_t row = 0; row < prompts.size(); ++row) {
    rows.push_back({prompts[row], targets[row]});
    wanted.push_back(asked.log_probs(prompts[row], targets[row]));
  }
  for (const bool share : {false, true}) {
    const auto batches = nn::pack(std::span<const nn::TokenRow>(rows), {.share_prefix = share});
    ASSERT_EQ(batches.size(), 1u);
    const torch::Tensor got_R = nn::label_log_probs(asked.model, batches.front(), {}, context);
    EXPECT_LT((got_R - torch::cat(wanted)).abs().max().item<double>(), 1e-5) << share;
  }
}

TEST(EncoderDecoder, CompletionsBehindPromptsLearnThroughTheEncoder) {
  const Asked asked;
  TestContext context;
  decode::DecodeOptions options;
  options.beams = 4;
  options.suffix = {5, 6};
  const decode::Decoder decoder(asked.model, asked.world.trie, options);
  const nn::Prefilled prompts = decoder.prefill(kReadPrompts, context);
  const Rollouts rollouts = decoder.roll_out(prompts, std::nullopt, context);
  const torch::Tensor got_R =
      nn::label_log_probs(asked.model, prompts, decoder.tree(prompts, rollouts), context);
  std::vector<torch::Tensor> wanted;
  for (size_t b = 0; b < kReadPrompts.size(); ++b) {
    for (std::vector<int32_t> target : rollouts.token_BG[b]) {
      target.insert(target.end(), options.suffix.begin(), options.suffix.end());
      wanted.push_back(asked.log_probs(kReadPrompts[b], target));
    }
  }
  const torch::Tensor wanted_R = torch::cat(wanted);
  ASSERT_EQ(got_R.sizes(), wanted_R.sizes());
  EXPECT_LT((got_R - wanted_R).abs().max().item<double>(), 1e-4);
  const torch::Tensor probe_R = torch::randn(got_R.sizes(), at::detail::createCPUGenerator(3));
  const std::vector<torch::Tensor> leaves = {asked.model.row_VD, asked.model.again_DD};
  const auto got = torch::autograd::grad({(got_R * probe_R).sum()}, leaves),
             expected = torch::autograd::grad({(wanted_R * probe_R).sum()}, leaves);
  for (size_t i = 0; i < leaves.size(); ++i)
    EXPECT_LT((got[i] - expected[i]).norm().item<double>(),
              1e-5 * expected[i].norm().item<double>());
}

}  // namespace
}  // namespace tsrec::test
