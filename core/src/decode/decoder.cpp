#include "tsrec/decode/decoder.hpp"

#include <atomic>

#include "decode/beam.hpp"
#include "tsrec/nn/replicas.hpp"
#include "tsrec/nn/work.hpp"

namespace tsrec::decode {
namespace {

using Beams = std::vector<Beam>;

// Position that follows a segment's last token.
int32_t position_after(const nn::Segment& segment) { return segment.position + segment.length; }

// One new segment behind an existing one.
struct Extension {
  int32_t parent = -1;
  std::vector<int32_t> tokens;
};

nn::PackedBatch batch_of(const std::vector<Extension>& extensions, const nn::KvPrefix& prefix) {
  nn::PackedBatch batch;
  std::vector<int64_t> tokens, positions;
  for (const Extension& extension : extensions) {
    const int32_t position =
        position_after(prefix.segments()[static_cast<size_t>(extension.parent)]);
    batch.segments.push_back({static_cast<int32_t>(tokens.size()),
                              static_cast<int32_t>(extension.tokens.size()), extension.parent,
                              position});
    for (size_t t = 0; t < extension.tokens.size(); ++t) {
      tokens.push_back(extension.tokens[t]);
      positions.push_back(position + static_cast<int64_t>(t));
    }
  }
  batch.token_T = torch::tensor(tokens, torch::kInt64);
  batch.position_T = torch::tensor(positions, torch::kInt64);
  return batch;
}

torch::Tensor forward(const Backbone& backbone, const nn::PackedBatch& batch, nn::KvPrefix& prefix,
                      Context& context) {
  nn::ForwardOptions options;
  options.past = prefix.num_tokens() > 0 ? &prefix : nullptr;
  options.keep = &prefix;
  nn::count_work(backbone, batch.num_tokens(), /*rows=*/0, /*columns=*/0, context);
  return backbone.hidden(batch.to(context.device()), options);
}

}  // namespace

struct Decoder::Impl {
  const Backbone& backbone;
  const Trie& trie;
  DecodeOptions options;

  // Log-probability of every legal child of every unfinished beam, in the order of the trie;
  // float64 on the CPU.
  std::vector<std::vector<double>> child_scores(const std::vector<const Beam*>& beams,
                                                const torch::Tensor& hidden_HD,
                                                Context& context) const {
    std::vector<int64_t> rows;
    nn::RowRange range{std::numeric_limits<int64_t>::max(), 0};
    int64_t last = -1;
    for (const Beam* beam : beams) {
      rows.push_back(beam->hidden);
      const Trie::Children children = trie.children(beam->node);
      range.first = std::min<int64_t>(range.first, children.token.front());
      last = std::max<int64_t>(last, children.token.back());
    }
    range.count = last - range.first + 1;
    const torch::Tensor h = hidden_HD.index_select(0, torch::tensor(rows).to(hidden_HD.device()));
    const nn::Head head = backbone.head();
    const torch::Tensor logit = nn::logits(head, h, range).cpu().contiguous();
    if (!logit.isfinite().all().item<bool>()) {
      throw DataError(
          "the model's scores are not finite; its training diverged, so lower the learning rate");
    }
    const bool sees_all = options.scoring == Scoring::full;
    nn::count_work(backbone, /*tokens=*/0, h.size(0),
                   sees_all ? head.weight_VD.size(0) : range.count, context);
    torch::Tensor normalizer;
    if (sees_all) normalizer = nn::log_normalizer(head, h).cpu();
    std::vector<std::vector<double>> scores;
    for (size_t i = 0; i < beams.size(); ++i) {
      const float* z = logit.const_data_ptr<float>() + static_cast<int64_t>(i) * range.count;
      std::vector<double>& score = scores.emplace_back();
      for (const int32_t token : trie.children(beams[i]->node).token)
        score.push_back(z[token - range.first]);
      const double shift =
          options.scoring == Scoring::full ? normalizer.const_data_ptr<float>()[i] : log_sum(score);
      for (double& value : score) value -= shift;
    }
    return scores;
  }

  static double log_sum(const std::vector<double>& values) {
    const double largest = *std::max_element(values.begin(), values.end());
    double sum = 0;
    for (const double value : values) sum += std::exp(value - largest);
    return largest + std::log(sum);
  }

  bool is_finished(const Beam& beam) const { return !trie.items(beam.node).empty(); }

  // The best `beams` among the children of a prompt's beams and its finished ones.
  Beams best_children(const Beams& beams, const std::vector<std::vector<double>>& scores,
                      size_t& at) const {
    Beams candidates;
    for (const Beam& beam : beams) {
      if (is_finished(beam)) {
        candidates.push_back(beam);
        continue;
      }
      const Trie::Children children = trie.children(beam.node);
      for (size_t c = 0; c < children.token.size(); ++c) {
        Beam child = beam;
        child.tokens.push_back(children.token[c]);
        child.node = children.node[c];
        child.score += scores[at][c];
        candidates.push_back(std::move(child));
      }
      ++at;
    }
    const size_t kept = std::min(candidates.size(), static_cast<size_t>(options.beams));
    std::partial_sort(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(kept),
                      candidates.end(), ranks_before);
    candidates.resize(kept);
    return candidates;
  }

  // One draw per beam from the policy over its legal children.
  Beams drawn_children(const Beams& beams, const std::vector<std::vector<double>>& scores,
                       size_t& at, at::Generator& generator) const {
    Beams drawn;
    for (const Beam& beam : beams) {
      if (is_finished(beam)) {
        drawn.push_back(beam);
        continue;
      }
      const std::vector<double>& score = scores[at++];
      const double largest = *std::max_element(score.begin(), score.end());
      std::vector<double> running;
      double sum = 0;
      for (const double value : score)
        running.push_back(sum += std::exp((value - largest) / options.temperature));
      const double point = torch::rand({1}, generator, torch::kFloat64).item<double>() * sum;
      const auto chosen =
          std::min(static_cast<size_t>(std::upper_bound(running.begin(), running.end(), point) -
                                       running.begin()),
                   running.size() - 1);
      Beam child = beam;
      child.tokens.push_back(trie.children(beam.node).token[chosen]);
      child.node = trie.children(beam.node).node[chosen];
      child.score += score[chosen];
      drawn.push_back(std::move(child));
    }
    return drawn;
  }

  // Computes the last token of every unfinished beam, so that its children can be scored.
  torch::Tensor advance(std::vector<Beams>& beams_B, nn::KvPrefix& prefix, Context& context) const {
    std::vector<Extension> extensions;
    const auto first = static_cast<int32_t>(prefix.segments().size());
    for (Beams& beams : beams_B) {
      for (Beam& beam : beams) {
        if (is_finished(beam)) continue;
        beam.hidden = static_cast<int64_t>(extensions.size());
        extensions.push_back({beam.segment, {beam.tokens.back()}});
        beam.segment = first + static_cast<int32_t>(beam.hidden);
      }
    }
    return extensions.empty() ? torch::Tensor()
                              : forward(backbone, batch_of(extensions, prefix), prefix, context);
  }

  // `full` scores include the forced tokens behind the SID.
  void add_suffix_scores(std::vector<Beams>& beams_B, nn::KvPrefix& prefix,
                         Context& context) const {
    const std::vector<int32_t>& suffix = options.suffix;
    if (options.scoring != Scoring::full || suffix.empty()) return;
    std::vector<Extension> extensions;
    std::vector<int64_t> labels;
    for (const Beams& beams : beams_B) {
      for (const Beam& beam : beams) {
        Extension extension{beam.segment, {beam.tokens.back()}};
        extension.tokens.insert(extension.tokens.end(), suffix.begin(), suffix.end() - 1);
        extensions.push_back(std::move(extension));
        labels.insert(labels.end(), suffix.begin(), suffix.end());
      }
    }
    const torch::Tensor hidden_TD =
        forward(backbone, batch_of(extensions, prefix), prefix, context);
    nn::count_work(backbone, /*tokens=*/0, hidden_TD.size(0), backbone.head().weight_VD.size(0),
                   context);
    const torch::Tensor log_prob_CS =
        nn::label_log_prob(backbone.head(), hidden_TD, torch::tensor(labels).to(hidden_TD.device()))
            .view({-1, static_cast<int64_t>(suffix.size())})
            .sum(1)
            .cpu();
    int64_t c = 0;
    for (Beams& beams : beams_B) {
      for (Beam& beam : beams) beam.score += log_prob_CS[c++].item<double>();
    }
  }

  Rollouts rollouts_of(const std::vector<Beams>& beams_B) const {
    const auto B = static_cast<int64_t>(beams_B.size());
    const int64_t G = options.beams;
    Rollouts rollouts;
    rollouts.leaf_BG = torch::full({B, G}, -1, torch::kInt64);
    rollouts.item_BG = torch::full({B, G}, -1, torch::kInt64);
    rollouts.log_prob_BG = torch::full({B, G}, -std::numeric_limits<float>::infinity());
    rollouts.target_B = torch::full({B}, -1, torch::kInt64);
    rollouts.sample_B = torch::full({B}, -1, torch::kInt64);
    for (int64_t b = 0; b < B; ++b) {
      auto& tokens = rollouts.token_BG.emplace_back();
      const Beams& beams = beams_B[static_cast<size_t>(b)];
      for (size_t g = 0; g < beams.size(); ++g) {
        const auto at = b * G + static_cast<int64_t>(g);
        rollouts.leaf_BG.mutable_data_ptr<int64_t>()[at] = trie.leaf_group(beams[g].node);
        rollouts.item_BG.mutable_data_ptr<int64_t>()[at] = trie.items(beams[g].node).front();
        rollouts.log_prob_BG.mutable_data_ptr<float>()[at] = static_cast<float>(beams[g].score);
        tokens.push_back(beams[g].tokens);
      }
    }
    return rollouts;
  }
};

Decoder::Decoder(const Backbone& backbone, const Trie& trie, DecodeOptions options)
    : impl_(new Impl{backbone, trie, std::move(options)}) {
  const DecodeOptions& o = impl_->options;
  if (o.beams < 1) throw ConfigError("beam search needs at least one beam");
  if (o.search == Search::sample && !(o.temperature > 0))
    throw ConfigError("sampling needs a temperature above 0; beams = 1 gives the most likely SID");
  if (o.search == Search::beam && o.beams > trie.num_leaves()) {
    throw ConfigError("beams = ", o.beams, ", but the catalogue has only ", trie.num_leaves(),
                      " SIDs; use at most that many beams");
  }
}

Decoder::~Decoder() = default;

Prefilled Decoder::prefill(std::span<const std::vector<int32_t>> prompts, Context& context) const {
  const nn::PackedPrompts packed = nn::pack_prompts(prompts, /*share_prefix=*/true);
  Prefilled result;
  const torch::Tensor hidden_TD = forward(impl_->backbone, packed.batch, result.prefix, context);
  std::vector<int64_t> ends;
  for (const int32_t segment : packed.segment_B) {
    const nn::Segment& s = packed.batch.segments[static_cast<size_t>(segment)];
    ends.push_back(s.begin + s.length - 1);
  }
  result.last_BD =
      hidden_TD.index_select(0, torch::tensor(ends, torch::kInt64).to(hidden_TD.device()));
  result.segment_B = packed.segment_B;
  return result;
}

Rollouts Decoder::roll_out(const Prefilled& prompts, std::optional<at::Generator> generator,
                           Context& context) const {
  const torch::NoGradGuard no_grad;
  const Impl& d = *impl_;
  const bool samples = d.options.search == Search::sample;
  if (samples && !generator) throw Error("sampling needs a generator");
  nn::KvPrefix prefix = prompts.prefix.detached();
  std::vector<Beams> beams_B;
  for (size_t b = 0; b < prompts.segment_B.size(); ++b) {
    Beam start;
    start.segment = prompts.segment_B[b];
    start.hidden = static_cast<int64_t>(b);
    beams_B.emplace_back(samples ? static_cast<size_t>(d.options.beams) : 1, start);
  }
  torch::Tensor hidden_HD = prompts.last_BD.detach();
  while (hidden_HD.defined()) {
    std::vector<const Beam*> open;
    for (const Beams& beams : beams_B) {
      for (const Beam& beam : beams) {
        if (!d.is_finished(beam)) open.push_back(&beam);
      }
    }
    const std::vector<std::vector<double>> scores = d.child_scores(open, hidden_HD, context);
    size_t at = 0;
    for (Beams& beams : beams_B)
      beams = samples ? d.drawn_children(beams, scores, at, *generator)
                      : d.best_children(beams, scores, at);
    hidden_HD = d.advance(beams_B, prefix, context);
  }
  d.add_suffix_scores(beams_B, prefix, context);
  for (Beams& beams : beams_B) std::stable_sort(beams.begin(), beams.end(), ranks_before);
  return d.rollouts_of(beams_B);
}

namespace {

// Completions of several prompts as trees of one-token segments: a prefix that completions of one
// prompt share is one path.
class CompletionForest {
 public:
  explicit CompletionForest(const Prefilled& prompts)
      : prompts_(prompts), first_(static_cast<int32_t>(prompts.prefix.segments().size())) {}

  // Labels of one completion of prompt b; its last token predicts nothing and is not computed.
  void add(size_t b, int64_t completion, const std::vector<int32_t>& tokens) {
    int32_t before = kPrompt;
    for (size_t t = 0; t < tokens.size(); ++t) {
      at_R_.push_back(before == kPrompt ? static_cast<int64_t>(b) : before);
      from_prompt_R_.push_back(before == kPrompt);
      label_R_.push_back(tokens[t]);
      completion_R_.push_back(completion);
      if (t + 1 < tokens.size()) before = child(b, before, tokens[t]);
    }
  }

  Decoder::Tree finish() {
    Decoder::Tree tree;
    nn::PackedBatch& batch = tree.batch;
    batch.token_T = torch::tensor(token_T_, torch::kInt64);
    std::vector<int64_t> positions;
    for (const nn::Segment& segment : segments_) positions.push_back(segment.position);
    batch.position_T = torch::tensor(positions, torch::kInt64);
    batch.segments = std::move(segments_);
    batch.at_R = torch::tensor(at_R_, torch::kInt64);
    batch.label_R = torch::tensor(label_R_, torch::kInt64);
    tree.completion_R = torch::tensor(completion_R_, torch::kInt64);
    batch.row_R = tree.completion_R;
    batch.weight_R = torch::ones({static_cast<int64_t>(at_R_.size())});
    tree.from_prompt_R = torch::tensor(from_prompt_R_).to(torch::kBool);
    return tree;
  }

 private:
  static constexpr int32_t kPrompt = -1;  // the token before is the prompt's last one

  // The token's place in the batch behind `before`; made when this prompt has no such child yet.
  int32_t child(size_t b, int32_t before, int32_t token) {
    const auto fresh = static_cast<int32_t>(segments_.size());
    const auto [found, is_new] = child_.emplace(std::tuple(b, before, token), fresh);
    if (!is_new) return found->second;
    const int32_t parent = before == kPrompt ? prompts_.segment_B[b] : first_ + before;
    const nn::Segment& above = before == kPrompt
                                   ? prompts_.prefix.segments()[static_cast<size_t>(parent)]
                                   : segments_[static_cast<size_t>(before)];
    segments_.push_back({fresh, 1, parent, position_after(above)});
    token_T_.push_back(token);
    return fresh;
  }

  const Prefilled& prompts_;
  int32_t first_;  // number of the batch's first segment
  std::map<std::tuple<size_t, int32_t, int32_t>, int32_t> child_;
  std::vector<nn::Segment> segments_;
  std::vector<int64_t> token_T_, at_R_, label_R_, completion_R_, from_prompt_R_;
};

}  // namespace

Decoder::Tree Decoder::tree(const Prefilled& prompts, const Rollouts& rollouts) const {
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

// Ranges of prompts with at most max_tokens tokens together; a longer prompt stands alone.
std::vector<std::pair<size_t, size_t>> chunks_of(std::span<const std::vector<int32_t>> prompts,
                                                 int64_t max_tokens) {
  std::vector<std::pair<size_t, size_t>> chunks;
  int64_t tokens = 0;
  for (size_t p = 0; p < prompts.size(); ++p) {
    const auto length = static_cast<int64_t>(prompts[p].size());
    if (chunks.empty() || tokens + length > max_tokens) {
      chunks.emplace_back(p, p);
      tokens = 0;
    }
    tokens += length;
    chunks.back().second = p + 1;
  }
  return chunks;
}

}  // namespace

Rankings Decoder::rank(std::span<const std::vector<int32_t>> prompts, Context& context) const {
  const torch::NoGradGuard no_grad;
  if (impl_->options.search != Search::beam)
    throw Error("rankings need beam search; sampling is for rollouts");
  std::map<std::vector<int32_t>, std::vector<size_t>>
      rows_of;  // identical prompts once; sorted, so neighbours share
  for (size_t row = 0; row < prompts.size(); ++row) rows_of[prompts[row]].push_back(row);
  std::vector<std::vector<int32_t>> distinct;
  for (const auto& [prompt, rows] : rows_of) distinct.push_back(prompt);

  struct Entry {
    int64_t leaf, item;
    float score;
  };
  context.count("rows", static_cast<int64_t>(prompts.size()));
  const auto chunks = chunks_of(distinct, impl_->options.max_tokens);
  std::vector<std::vector<Entry>> list_P(distinct.size());
  std::atomic<int64_t> done = 0;
  const int64_t workers =
      std::min(nn::num_workers(context.device()), static_cast<int64_t>(chunks.size()));
  nn::run_workers(workers, [&](int64_t worker) {
    for (auto c = static_cast<size_t>(worker); c < chunks.size();
         c += static_cast<size_t>(workers)) {
      if (context.stopping()) throw Interrupted("ranking was stopped; it starts again next time");
      const auto [begin, end] = chunks[c];
      const Rollouts rollouts = roll_out(
          prefill(std::span(distinct).subspan(begin, end - begin), context), std::nullopt, context);
      const float* score = rollouts.log_prob_BG.const_data_ptr<float>();
      for (size_t p = begin; p < end; ++p) {
        const auto& completions = rollouts.token_BG[p - begin];
        for (size_t g = 0; g < completions.size(); ++g) {
          const int32_t node = impl_->trie.walk(completions[g]);
          const size_t at = (p - begin) * static_cast<size_t>(impl_->options.beams) + g;
          for (const int64_t item : impl_->trie.items(node))
            list_P[p].push_back({impl_->trie.leaf_group(node), item, score[at]});
        }
      }
      done += static_cast<int64_t>(end - begin);
      context.progress("decoding", done, static_cast<int64_t>(distinct.size()));
    }
  });
  auto longest = static_cast<size_t>(impl_->options.beams);
  std::vector<const std::vector<Entry>*> list_S(prompts.size());
  for (size_t p = 0; p < distinct.size(); ++p) {
    longest = std::max(longest, list_P[p].size());
    for (const size_t row : rows_of[distinct[p]]) list_S[row] = &list_P[p];
  }
  const auto S = static_cast<int64_t>(prompts.size()), M = static_cast<int64_t>(longest);
  Rankings rankings;
  rankings.leaf_SM = torch::full({S, M}, -1, torch::kInt64);
  rankings.item_SM = torch::full({S, M}, -1, torch::kInt64);
  rankings.score_SM = torch::full({S, M}, -std::numeric_limits<float>::infinity());
  for (int64_t row = 0; row < S; ++row) {
    int64_t at = row * M;
    for (const Entry& entry : *list_S[static_cast<size_t>(row)]) {
      rankings.leaf_SM.mutable_data_ptr<int64_t>()[at] = entry.leaf;
      rankings.item_SM.mutable_data_ptr<int64_t>()[at] = entry.item;
      rankings.score_SM.mutable_data_ptr<float>()[at++] = entry.score;
    }
  }
  return rankings;
}

namespace {

// Beam search over free text: the best continuations of every unfinished beam, until all ended.
class TextBeams {
 public:
  TextBeams(const Backbone& backbone, const Prefilled& prompts, size_t width)
      : backbone_(backbone),
        eos_(backbone.tokenizer().eos()),
        width_(width),
        prefix_(prompts.prefix),
        hidden_HD_(prompts.last_BD) {
    for (size_t b = 0; b < prompts.segment_B.size(); ++b) {
      Beam start;
      start.segment = prompts.segment_B[b];
      start.hidden = static_cast<int64_t>(b);
      beams_B_.push_back({start});
    }
  }

  // One token more for every beam; false when none is left to continue.
  bool step(Context& context) {
    // The tokenizer's ids only: a checkpoint's matrix may have padding rows behind them.
    const torch::Tensor logit =
        nn::logits(backbone_.head(), hidden_HD_, {0, backbone_.tokenizer().size()});
    const auto [value, token] =
        torch::log_softmax(logit, 1).topk(std::min(static_cast<int64_t>(width_), logit.size(1)), 1);
    const torch::Tensor score_HK = value.cpu().contiguous(), token_HK = token.cpu().contiguous();
    std::vector<Extension> extensions;
    const auto first = static_cast<int32_t>(prefix_.segments().size());
    for (Beams& beams : beams_B_) {
      beams = best_children(beams, score_HK, token_HK);
      for (Beam& beam : beams) {
        if (is_done(beam)) continue;
        beam.hidden = static_cast<int64_t>(extensions.size());
        extensions.push_back({beam.segment, {beam.tokens.back()}});
        beam.segment = first + static_cast<int32_t>(beam.hidden);
      }
    }
    if (extensions.empty()) return false;
    hidden_HD_ = forward(backbone_, batch_of(extensions, prefix_), prefix_, context);
    return true;
  }

  // Texts of every prompt, best first, without the end of text.
  std::vector<std::vector<std::vector<int32_t>>> texts() const {
    std::vector<std::vector<std::vector<int32_t>>> all;
    for (const Beams& beams : beams_B_) {
      auto& answers = all.emplace_back();
      for (const Beam& beam : beams) {
        answers.push_back(beam.tokens);
        if (is_done(beam)) answers.back().pop_back();
      }
    }
    return all;
  }

 private:
  bool is_done(const Beam& beam) const {
    return !beam.tokens.empty() && beam.tokens.back() == eos_;
  }

  Beams best_children(const Beams& beams, const torch::Tensor& score_HK,
                      const torch::Tensor& token_HK) const {
    const int64_t most = score_HK.size(1);
    Beams candidates;
    for (const Beam& beam : beams) {
      if (is_done(beam)) {
        candidates.push_back(beam);
        continue;
      }
      for (int64_t k = 0; k < most; ++k) {
        const int64_t at = beam.hidden * most + k;
        Beam& child = candidates.emplace_back(beam);
        child.tokens.push_back(static_cast<int32_t>(token_HK.const_data_ptr<int64_t>()[at]));
        child.score += score_HK.const_data_ptr<float>()[at];
      }
    }
    std::sort(candidates.begin(), candidates.end(), ranks_before);
    candidates.resize(std::min(candidates.size(), width_));
    return candidates;
  }

  const Backbone& backbone_;
  int32_t eos_;
  size_t width_;
  nn::KvPrefix prefix_;
  torch::Tensor hidden_HD_;
  std::vector<Beams> beams_B_;
};

}  // namespace

std::vector<std::vector<std::vector<int32_t>>> Decoder::write(
    std::span<const std::vector<int32_t>> prompts, int64_t max_new_tokens, Context& context) const {
  const torch::NoGradGuard no_grad;
  std::vector<std::vector<std::vector<int32_t>>> texts;
  for (const auto& [begin, end] : chunks_of(prompts, impl_->options.max_tokens)) {
    if (context.stopping()) throw Interrupted("writing was stopped; it starts again next time");
    TextBeams beams(impl_->backbone, prefill(prompts.subspan(begin, end - begin), context),
                    static_cast<size_t>(impl_->options.beams));
    for (int64_t step = 0; step < max_new_tokens && beams.step(context); ++step) {
    }
    for (auto& answers : beams.texts()) texts.push_back(std::move(answers));
    context.progress("writing", static_cast<int64_t>(end), static_cast<int64_t>(prompts.size()));
  }
  return texts;
}

}  // namespace tsrec::decode
