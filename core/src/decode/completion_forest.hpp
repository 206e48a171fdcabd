// Teacher-forced completions behind their prompts.
#pragma once

#include "decode/extension.hpp"
#include "tsrec/nn/language_model.hpp"

namespace tsrec::decode {

// Completions of several prompts as trees of one-token segments: a prefix that completions of one
// prompt share is one path.
class CompletionForest {
 public:
  explicit CompletionForest(const nn::Prefilled& prompts)
      : prompts_(prompts), first_(static_cast<int32_t>(prompts.state->segments().size())) {}

  // Labels of one completion of prompt b; its last token predicts nothing and is not computed.
  void add(size_t b, int64_t completion, const std::vector<int32_t>& tokens) {
    int32_t before = kPrompt;
    for (size_t t = 0; t < tokens.size(); ++t) {
      at_R_.push_back(before);
      prompt_R_.push_back(static_cast<int64_t>(b));
      label_R_.push_back(tokens[t]);
      completion_R_.push_back(completion);
      if (t + 1 < tokens.size()) before = child(b, before, tokens[t]);
    }
  }

  nn::PackedBatch finish() {
    nn::PackedBatch batch;
    batch.token_T = torch::tensor(token_T_, torch::kInt64);
    std::vector<int64_t> positions;
    for (const nn::Segment& segment : segments_) positions.push_back(segment.position);
    batch.position_T = torch::tensor(positions, torch::kInt64);
    batch.segments = std::move(segments_);
    for (size_t r = 0; r < at_R_.size(); ++r) {
      if (at_R_[r] == kPrompt) at_R_[r] = static_cast<int64_t>(token_T_.size()) + prompt_R_[r];
    }
    batch.at_R = torch::tensor(at_R_, torch::kInt64);
    batch.label_R = torch::tensor(label_R_, torch::kInt64);
    batch.row_R = torch::tensor(completion_R_, torch::kInt64);
    return batch;
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
                                   ? prompts_.state->segments()[static_cast<size_t>(parent)]
                                   : segments_[static_cast<size_t>(before)];
    segments_.push_back({fresh, 1, parent, position_after(above)});
    token_T_.push_back(token);
    return fresh;
  }

  const nn::Prefilled& prompts_;
  int32_t first_;  // number of the batch's first segment
  std::map<std::tuple<size_t, int32_t, int32_t>, int32_t> child_;
  std::vector<nn::Segment> segments_;
  std::vector<int64_t> token_T_, at_R_, prompt_R_, label_R_, completion_R_;
};

}  // namespace tsrec::decode
