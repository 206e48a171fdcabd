#include "labelled_rows.hpp"

#include <map>

namespace tsrec::tiger {
namespace {

// The batch's tokens with the way back to their roots.
class Forest {
 public:
  explicit Forest(const nn::PackedBatch& batch)
      : token_T_(batch.token_T.cpu()),
        segments_(batch.segments),
        segment_of_T_(batch.num_tokens()) {
    for (size_t s = 0; s < segments_.size(); ++s) {
      const nn::Segment& segment = segments_[s];
      if (segment.parent >= static_cast<int32_t>(s))
        throw Error("rows that a prompt is read from stand behind no state");
      std::fill_n(segment_of_T_.begin() + segment.begin, segment.length, static_cast<int32_t>(s));
    }
  }

  int32_t token(int64_t at) const {
    return static_cast<int32_t>(token_T_.const_data_ptr<int64_t>()[at]);
  }

  // The token before it, -1 at a root's first.
  int64_t before(int64_t at) const {
    const nn::Segment& segment =
        segments_[static_cast<size_t>(segment_of_T_[static_cast<size_t>(at)])];
    if (at > segment.begin) return at - 1;
    if (segment.parent < 0) return -1;
    const nn::Segment& parent = segments_[static_cast<size_t>(segment.parent)];
    return parent.begin + parent.length - 1;
  }

  std::vector<int32_t> from_root_to(int64_t at) const {
    std::vector<int32_t> reversed;
    for (; at >= 0; at = before(at)) reversed.push_back(token(at));
    return {reversed.rbegin(), reversed.rend()};
  }

 private:
  torch::Tensor token_T_;
  const std::vector<nn::Segment>& segments_;
  std::vector<int32_t> segment_of_T_;
};

}  // namespace

LabelledRows labelled_rows(const nn::PackedBatch& batch) {
  if (!batch.at_R.defined() || !batch.label_R.defined() || !batch.row_R.defined())
    throw Error("a batch to learn from needs at_R, label_R and row_R, as pack() makes them");
  const Forest forest(batch);
  const torch::Tensor at_R = batch.at_R.cpu(), label_R = batch.label_R.cpu(),
                      row_R = batch.row_R.cpu();
  const int64_t *at = at_R.const_data_ptr<int64_t>(), *label = label_R.const_data_ptr<int64_t>(),
                *row = row_R.const_data_ptr<int64_t>();
  LabelledRows found;
  std::map<int64_t, size_t> prompt_at;  // by its last token
  for (int64_t r = 0; r < at_R.size(0); ++r) {
    const bool is_first = r == 0 || row[r] != row[r - 1];
    if (is_first) {
      const auto [prompt, is_new] = prompt_at.emplace(at[r], found.prompts.size());
      if (is_new) found.prompts.push_back(forest.from_root_to(at[r]));
      found.rows.push_back({prompt->second, {}});
    } else if (forest.before(at[r]) != at[r - 1] || forest.token(at[r]) != label[r - 1]) {
      throw Error("the labels of row ", row[r],
                  " are not the tokens of one answer behind each other; an encoder-decoder learns "
                  "whole rows, as pack() makes them");
    }
    found.rows.back().target.push_back(static_cast<int32_t>(label[r]));
  }
  return found;
}

}  // namespace tsrec::tiger
