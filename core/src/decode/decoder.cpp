#include "tsrec/decode/decoder.hpp"

#include <atomic>

#include "decode/completion_forest.hpp"
#include "decode/continuations.hpp"
#include "decode/prompt_ranges.hpp"
#include "decode/scorer.hpp"
#include "decode/text_beams.hpp"
#include "tsrec/nn/replicas.hpp"

namespace tsrec::decode {

using Prompt = std::vector<int32_t>;

struct Decoder::Impl {
  const nn::LanguageModel& model;
  const Trie& trie;
  DecodeOptions options;
  Continuations continuations;

  Found search(Scorer& scorer, std::optional<at::Generator>& generator) const {
    if (options.search == Search::sample) {
      if (!generator) throw Error("sampling needs a generator");
      return sample(scorer, options, *generator);
    }
    return options.search == Search::exact ? best_first_search(scorer, options)
                                           : beam_search(scorer, options);
  }

  Rollouts rollouts_of(const Found& found) const {
    const auto B = static_cast<int64_t>(found.beams_B.size());
    const int64_t G = options.beams;
    Rollouts rollouts;
    rollouts.leaf_BG = torch::full({B, G}, -1, torch::kInt64);
    rollouts.item_BG = torch::full({B, G}, -1, torch::kInt64);
    rollouts.log_prob_BG = torch::full({B, G}, -std::numeric_limits<float>::infinity());
    rollouts.target_B = torch::full({B}, -1, torch::kInt64);
    if (!found.certified_B.empty()) rollouts.certified_B = torch::tensor(found.certified_B);
    for (int64_t b = 0; b < B; ++b) {
      auto& tokens = rollouts.token_BG.emplace_back();
      const Beams& beams = found.beams_B[static_cast<size_t>(b)];
      for (size_t g = 0; g < beams.size(); ++g) {
        const auto at = b * G + static_cast<int64_t>(g);
        if (const int32_t leaf = trie.leaf(beams[g].tokens); leaf >= 0) {
          rollouts.leaf_BG.mutable_data_ptr<int64_t>()[at] = trie.leaf_group(leaf);
          rollouts.item_BG.mutable_data_ptr<int64_t>()[at] = trie.items(leaf).front();
        }
        rollouts.log_prob_BG.mutable_data_ptr<float>()[at] = static_cast<float>(beams[g].score);
        tokens.push_back(beams[g].tokens);
      }
    }
    return rollouts;
  }
};

Decoder::Decoder(const nn::LanguageModel& model, const Trie& trie, DecodeOptions options)
    : impl_(new Impl{model, trie, options, Continuations(trie, options.constraint)}) {
  const DecodeOptions& o = impl_->options;
  if (o.beams < 1) throw ConfigError("beam search needs at least one beam");
  if (o.search == Search::sample && !(o.temperature > 0))
    throw ConfigError("sampling needs a temperature above 0; beams = 1 gives the most likely SID");
  if (o.search != Search::sample && o.beams > trie.num_leaves()) {
    throw ConfigError("beams = ", o.beams, ", but the catalogue has only ", trie.num_leaves(),
                      " SIDs; use at most that many beams");
  }
}

Decoder::~Decoder() = default;

nn::Prefilled Decoder::prefill(std::span<const Prompt> prompts, Context& context) const {
  return impl_->model.prefill(prompts, /*begun=*/nullptr, context);
}

Rollouts Decoder::roll_out(const nn::Prefilled& prompts, std::optional<at::Generator> generator,
                           Context& context) const {
  const torch::NoGradGuard no_grad;
  Scorer scorer(impl_->model, impl_->continuations, impl_->options, prompts, context);
  return impl_->rollouts_of(impl_->search(scorer, generator));
}

nn::PackedBatch Decoder::tree(const nn::Prefilled& prompts, const Rollouts& rollouts) const {
  const std::vector<int32_t>& suffix = impl_->options.suffix;
  CompletionForest forest(prompts);
  for (size_t b = 0; b < rollouts.token_BG.size(); ++b) {
    const auto& completions = rollouts.token_BG[b];
    for (size_t g = 0; g < completions.size(); ++g) {
      std::vector<int32_t> tokens = completions[g];
      tokens.insert(tokens.end(), suffix.begin(), suffix.end());
      forest.add(b, static_cast<int64_t>(b * completions.size() + g), tokens);
    }
  }
  return forest.finish();
}

namespace {

// Partial SIDs of one prompt that may be computed together. How many an exact search opens is not
// known before.
int64_t beams_of(const DecodeOptions& options) {
  constexpr int64_t kOpened = 64;
  return options.search == Search::exact ? std::max(kOpened, options.beams) : options.beams;
}

// Tokens of one forward. On a processor several forwards for every worker, so that all end at about
// the same time, but no smaller ones than a matrix product likes. A GPU, whose forwards are bound
// by the host that sets them going, gets larger ones.
int64_t tokens_at_once(size_t num_prompts, const DecodeOptions& options, torch::Device device) {
  constexpr int64_t kForwardsEach = 6, kLeast = 1024, kOfGpu = 4;
  if (!device.is_cpu()) return kOfGpu * options.max_tokens;
  const int64_t workers = nn::num_workers(device);
  const int64_t all = static_cast<int64_t>(num_prompts) * beams_of(options);
  return std::min(options.max_tokens, std::max(kLeast, all / (workers * kForwardsEach)));
}

}  // namespace

Rankings Decoder::rank(std::span<const Prompt> prompts, Context& context) const {
  const torch::NoGradGuard no_grad;
  const DecodeOptions& options = impl_->options;
  if (options.search == Search::sample)
    throw Error("rankings need a search; sampling is for rollouts");
  const DistinctPrompts distinct(prompts);
  const std::vector<Prompt>& asked = distinct.prompts();

  struct Entry {
    int64_t leaf, item;
    float score;
  };
  context.count("rows", static_cast<int64_t>(prompts.size()));
  nn::State begun;
  if (const size_t common = common_length(asked); common > 0)
    begun = impl_->model.begin(std::span(asked.front()).first(common), context);
  const auto known = static_cast<size_t>(begun ? begun->num_tokens() : 0);
  const int64_t all_workers = nn::num_workers(context.device());
  const int64_t most = tokens_at_once(asked.size(), options, context.device());
  const std::vector<PromptRange> ranges =
      prompt_ranges(asked, known, {.tokens = most, .prompts = most / beams_of(options)});
  std::vector<std::vector<Entry>> list_P(asked.size());
  std::vector<int64_t> certified_P(asked.size()), illegal_P(asked.size());
  std::atomic<int64_t> done = 0;
  std::atomic<size_t> next = 0;  // whoever is free takes the next range: lists do not depend on it
  const int64_t workers = std::min(all_workers, static_cast<int64_t>(ranges.size()));
  nn::run_workers(workers, [&](int64_t) {
    for (size_t r = next++; r < ranges.size(); r = next++) {
      if (context.stopping()) throw Interrupted("ranking was stopped; it starts again next time");
      const auto [begin, end] = ranges[r];
      const Rollouts rollouts = roll_out(
          impl_->model.prefill(std::span(asked).subspan(begin, end - begin), begun, context),
          std::nullopt, context);
      const float* score = rollouts.log_prob_BG.const_data_ptr<float>();
      for (size_t p = begin; p < end; ++p) {
        const auto certified =
            rollouts.certified_B[static_cast<int64_t>(p - begin)].item<int64_t>();
        const auto& completions = rollouts.token_BG[p - begin];
        for (size_t g = 0; g < completions.size(); ++g) {
          const int32_t node = impl_->trie.leaf(completions[g]);
          if (node < 0) {
            ++illegal_P[p];
            continue;
          }
          certified_P[p] += static_cast<int64_t>(g) < certified;
          const size_t at = (p - begin) * static_cast<size_t>(options.beams) + g;
          for (const int64_t item : impl_->trie.items(node))
            list_P[p].push_back({impl_->trie.leaf_group(node), item, score[at]});
        }
      }
      done += static_cast<int64_t>(end - begin);
      context.progress("decoding", done, static_cast<int64_t>(asked.size()));
    }
  });
  auto longest = static_cast<size_t>(options.beams);
  for (const std::vector<Entry>& list : list_P) longest = std::max(longest, list.size());
  const auto S = static_cast<int64_t>(prompts.size()), M = static_cast<int64_t>(longest);
  Rankings rankings;
  rankings.leaf_SM = torch::full({S, M}, -1, torch::kInt64);
  rankings.item_SM = torch::full({S, M}, -1, torch::kInt64);
  rankings.score_SM = torch::full({S, M}, -std::numeric_limits<float>::infinity());
  rankings.certified_S = torch::zeros({S}, torch::kInt64);
  for (int64_t row = 0; row < S; ++row) {
    const size_t p = distinct.of(static_cast<size_t>(row));
    rankings.certified_S.mutable_data_ptr<int64_t>()[row] = certified_P[p];
    rankings.num_illegal += illegal_P[p];
    int64_t at = row * M;
    for (const Entry& entry : list_P[p]) {
      rankings.leaf_SM.mutable_data_ptr<int64_t>()[at] = entry.leaf;
      rankings.item_SM.mutable_data_ptr<int64_t>()[at] = entry.item;
      rankings.score_SM.mutable_data_ptr<float>()[at++] = entry.score;
    }
  }
  return rankings;
}

std::vector<std::vector<std::vector<int32_t>>> Decoder::write(
    std::span<const std::vector<int32_t>> prompts, const TextOptions& options,
    Context& context) const {
  const torch::NoGradGuard no_grad;
  std::vector<std::vector<std::vector<int32_t>>> texts;
  const int64_t most = impl_->options.max_tokens;
  for (const auto& [begin, end] : prompt_ranges(
           prompts, /*known=*/0, {.tokens = most, .prompts = most / impl_->options.beams})) {
    if (context.stopping()) throw Interrupted("writing was stopped; it starts again next time");
    TextBeams beams(impl_->model, prefill(prompts.subspan(begin, end - begin), context),
                    static_cast<size_t>(impl_->options.beams), options);
    for (int64_t step = 0; step < options.max_new_tokens && beams.step(context); ++step) {
    }
    for (auto& answers : beams.texts()) texts.push_back(std::move(answers));
    context.progress("writing", static_cast<int64_t>(end), static_cast<int64_t>(prompts.size()));
  }
  return texts;
}

}  // namespace tsrec::decode
