// Encoders of texts: every token sees all tokens of its text, positions are learned, and the norms
// stand behind the residual sums (BERT; Devlin et al., 2019).
#pragma once

#include "tsrec/nn/packed_batch.hpp"

namespace tsrec::nn {

struct BertShape {
  std::string family = "bert";  // as config.json calls it
  int64_t vocabulary = 0, width = 0, layers = 0, heads = 0, mlp_width = 0;
  int64_t positions = 0;         // rows of the table of positions
  int64_t first_position = 0;    // row of a text's first token
  bool has_types = true;         // adds a row for the first of a pair of texts
  int64_t distance_buckets = 0;  // of a bias on scores by distance (MPNet); 0: none
  double norm_eps = 1e-12;
  int64_t max_tokens() const { return positions - first_position; }
};

// Reads a Hugging Face config.json of the family bert, roberta, xlm-roberta, distilbert or mpnet;
// nothing for another family. Null and a missing key mean the family's default. What of these
// families is not computed here (other activations, relative positions, decoders) is a DataError
// with key and value.
TSREC_API std::optional<BertShape> read_bert_config(const std::filesystem::path& folder);

// For inference only: no gradients. Its const methods may be called from several threads.
class TSREC_API BertEncoder {
 public:
  BertEncoder(const BertShape& shape, torch::ScalarType precision, torch::Device device);
  ~BertEncoder();
  BertEncoder(BertEncoder&&) noexcept;

  // model.safetensors or shards with an index, of the model alone or below a head for some task.
  // Throws DataError.
  void load(const std::filesystem::path& folder);
  // [T, D] of the last layer. Every segment is a text of its own: one with a parent is an Error.
  // Texts of one length are computed at once where they stand side by side.
  torch::Tensor hidden(const PackedBatch& batch) const;
  const BertShape& shape() const;
  double flops_per_token() const;  // 2 * weights of the layers

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tsrec::nn
