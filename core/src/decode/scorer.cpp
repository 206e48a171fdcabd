#include "decode/scorer.hpp"

#include "decode/extension.hpp"
#include "tsrec/nn/transfer.hpp"
#include "tsrec/nn/work.hpp"

namespace tsrec::decode {
namespace {

double log_sum(std::span<const double> values) {
  const double largest = *std::max_element(values.begin(), values.end());
  double sum = 0;
  for (const double value : values) sum += std::exp(value - largest);
  return largest + std::log(sum);
}

// The smallest range of the vocabulary that holds the children of all beams.
RowRange range_of(std::span<Beam* const> beams, const Continuations& continuations) {
  int64_t first = std::numeric_limits<int64_t>::max(), last = -1;
  for (const Beam* beam : beams) {
    const Trie::Children children = continuations.children(beam->node);
    first = std::min<int64_t>(first, children.token.front());
    last = std::max<int64_t>(last, children.token.back());
  }
  return {first, last - first + 1};
}

}  // namespace

Scorer::Scorer(const nn::LanguageModel& model, const Continuations& continuations,
               const DecodeOptions& options, const nn::Prefilled& prompts, Context& context)
    : model_(model),
      continuations_(continuations),
      options_(options),
      context_(context),
      state_(prompts.state->detached()),
      hidden_HD_(prompts.last_BD.detach()),
      segment_B_(prompts.segment_B) {}

Beam Scorer::start(int64_t b) const {
  Beam beam;
  beam.segment = segment_B_[static_cast<size_t>(b)];
  beam.hidden = b;
  return beam;
}

Beam Scorer::child(const Beam& parent, size_t which, double log_prob) const {
  const Trie::Children children = continuations_.children(parent.node);
  Beam beam = parent;
  beam.tokens.push_back(children.token[which]);
  beam.node = children.node[which];
  beam.score += log_prob;
  return beam;
}

void Scorer::compute(std::span<Beam* const> beams) {
  std::vector<Extension> extensions;
  std::vector<int64_t> ends;
  int64_t num_tokens = 0;
  const auto first = static_cast<int32_t>(state_->segments().size());
  for (Beam* beam : beams) {
    if (beam->computed == beam->tokens.size()) continue;
    const auto begin = beam->tokens.begin() + static_cast<std::ptrdiff_t>(beam->computed);
    extensions.push_back({beam->segment, {begin, beam->tokens.end()}});
    num_tokens += static_cast<int64_t>(extensions.back().tokens.size());
    beam->segment = first + static_cast<int32_t>(ends.size());
    beam->hidden = static_cast<int64_t>(ends.size());
    beam->computed = beam->tokens.size();
    ends.push_back(num_tokens - 1);
  }
  if (extensions.empty()) return;
  const torch::Tensor hidden_TD = model_.append(batch_of(extensions, *state_), state_, context_);
  hidden_HD_ = num_tokens == static_cast<int64_t>(ends.size())
                   ? hidden_TD
                   : hidden_TD.index_select(
                         0, nn::to_device(torch::tensor(ends, torch::kInt64), hidden_TD.device()));
}

ChildScores Scorer::child_scores(std::span<Beam* const> beams) {
  compute(beams);
  std::vector<int64_t> rows;
  for (const Beam* beam : beams) rows.push_back(beam->hidden);
  const torch::Tensor h = hidden_HD_.index_select(
      0, nn::to_device(torch::tensor(rows, torch::kInt64), hidden_HD_.device()));
  const RowRange range = range_of(beams, continuations_);
  const nn::Head head = model_.head();
  const bool sees_all = options_.scoring == Scoring::full;
  nn::count_work(model_, /*tokens=*/0, h.size(0), sees_all ? head.num_rows() : range.count,
                 context_);
  const torch::Tensor logit = nn::logits(head, h, range).cpu().contiguous();
  if (!logit.isfinite().all().item<bool>()) {
    throw DataError(
        "the model's scores are not finite; its training diverged, so lower the learning rate");
  }
  const torch::Tensor normalizer = sees_all ? nn::log_normalizer(head, h).cpu() : torch::Tensor();
  ChildScores scores;
  for (size_t i = 0; i < beams.size(); ++i) {
    const float* z = logit.const_data_ptr<float>() + static_cast<int64_t>(i) * range.count;
    scores.start_beam();
    for (const int32_t token : continuations_.children(beams[i]->node).token)
      scores.add(z[token - range.first]);
    const std::span<double> own = scores.of(i);
    const double shift = sees_all ? normalizer.const_data_ptr<float>()[i] : log_sum(own);
    // Rounding may lift a certain token above 0, where bounds would no longer hold.
    for (double& value : own) value = std::min(0.0, value - shift);
  }
  return scores;
}

void Scorer::add_suffix_scores(std::span<Beam* const> beams) {
  if (!scores_suffix() || beams.empty()) return;
  const std::vector<int32_t>& suffix = options_.suffix;
  std::vector<Extension> extensions;
  std::vector<int64_t> labels;
  for (const Beam* beam : beams) {
    // The SID's own last token predicts the first forced one.
    Extension extension{beam->segment, {beam->tokens.back()}};
    extension.tokens.insert(extension.tokens.end(), suffix.begin(), suffix.end() - 1);
    extensions.push_back(std::move(extension));
    labels.insert(labels.end(), suffix.begin(), suffix.end());
  }
  const torch::Tensor hidden_TD = model_.append(batch_of(extensions, *state_), state_, context_);
  const nn::Head head = model_.head();
  nn::count_work(model_, /*tokens=*/0, hidden_TD.size(0), head.num_rows(), context_);
  const torch::Tensor log_prob_CS =
      nn::label_log_prob(head, hidden_TD,
                         nn::to_device(torch::tensor(labels, torch::kInt64), hidden_TD.device()))
          .view({-1, static_cast<int64_t>(suffix.size())})
          .sum(1)
          .cpu();
  for (size_t c = 0; c < beams.size(); ++c)
    beams[c]->score += log_prob_CS.const_data_ptr<float>()[c];
}

}  // namespace tsrec::decode
