// Free text behind prompts.
#pragma once

#include "decode/extension.hpp"
#include "decode/search.hpp"

namespace tsrec::decode {

// Beam search over free text: the best continuations of every unfinished beam, until all ended.
class TextBeams {
 public:
  TextBeams(const nn::LanguageModel& model, const nn::Prefilled& prompts, size_t width,
            const TextOptions& options)
      : model_(model),
        options_(options),
        width_(width),
        state_(prompts.state),
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
    const torch::Tensor logit = nn::logits(model_.head(), hidden_HD_, {0, options_.num_tokens});
    const auto [value, token] =
        torch::log_softmax(logit, 1).topk(std::min(static_cast<int64_t>(width_), logit.size(1)), 1);
    const torch::Tensor score_HK = value.cpu().contiguous(), token_HK = token.cpu().contiguous();
    std::vector<Extension> extensions;
    const auto first = static_cast<int32_t>(state_->segments().size());
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
    hidden_HD_ = model_.append(batch_of(extensions, *state_), state_, context);
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
    return !beam.tokens.empty() && beam.tokens.back() == options_.eos;
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

  const nn::LanguageModel& model_;
  TextOptions options_;
  size_t width_;
  nn::State state_;
  torch::Tensor hidden_HD_;
  std::vector<Beams> beams_B_;
};

}  // namespace tsrec::decode
