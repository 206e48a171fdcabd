// The state of a decoder-only model: keys and values of tokens that were already computed.
#pragma once

#include "nn/attention_dot_kernel.hpp"
#include "tsrec/nn/attention.hpp"
#include "tsrec/nn/model_state.hpp"

namespace tsrec::nn {

// Whether keys of these heads are read as bfloat16 pairs, and not in float32.
inline bool attends_by_dots(const torch::Tensor& key_THd) {
  return key_THd.is_cpu() && key_THd.scalar_type() == torch::kBFloat16 &&
         has_attention_by_dots(key_THd.size(2));
}

// A chain of immutable blocks, one for each forward; beams are indices of segments. Appending
// copies no keys, except that many small blocks become a larger one: wherever kSteps forwards in a
// row added one token to each text, their tokens are laid out anew, those of a text behind each
// other, and so are kSteps such blocks. So a token is copied once for every power of kSteps in the
// length of its text, and a text lies in few runs however long it is.
class TSREC_API KvPrefix final : public ModelState {
 public:
  static constexpr size_t kSteps = 16;  // more than SIDs have levels: beams are never moved
  using Block = std::vector<KeyValue>;  // of each layer; may carry a graph
  // What a block holds of a layer. Where the attention of a CPU computes in float32 and no gradient
  // passes, keys and values are widened once, and not again for every token behind them.
  static KeyValue kept(const torch::Tensor& key, const torch::Tensor& value) {
    const bool is_widened = key.is_cpu() && !torch::GradMode::is_enabled() && !attends_by_dots(key);
    return is_widened ? KeyValue{key.to(torch::kFloat32), value.to(torch::kFloat32)}
                      : KeyValue{key, value};
  }
  // Tokens of a chain of segments whose keys lie behind each other: rows of one block.
  struct Run {
    int32_t block;
    int64_t begin, length;
  };

  const std::vector<std::shared_ptr<const Block>>& blocks() const { return blocks_; }
  // From the root of `segment` to its end.
  std::vector<Run> chain(int32_t segment) const;
  void append(const PackedBatch& batch, std::shared_ptr<const Block> block);
  State detached() const override;

 private:
  struct Place {
    int32_t block;
    int64_t begin;  // row of the block
  };
  static constexpr int kWhole = -1;  // of a block that stays as it is

  bool is_step(const PackedBatch& batch) const;
  int joined_rank() const;  // of the last kSteps blocks, kWhole where they are not to be joined
  void join(int rank);

  std::vector<std::shared_ptr<const Block>> blocks_;
  std::vector<int> rank_;       // of each block: it holds kSteps to that power tokens of each text
  std::vector<Place> place_S_;  // where the tokens of each segment lie
};

}  // namespace tsrec::nn
