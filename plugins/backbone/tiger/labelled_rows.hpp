// Rows to learn from, out of a packed batch: what the encoder reads, and what the decoder.
#pragma once

#include "tsrec/nn/packed_batch.hpp"

namespace tsrec::tiger {

struct LabelledRows {
  struct Row {
    size_t prompt;                // number among `prompts`
    std::vector<int32_t> target;  // as many as the row has labels
  };
  std::vector<std::vector<int32_t>> prompts;  // where rows share all of theirs, once
  std::vector<Row> rows;                      // their labels are the batch's, in this order
};

// A row's prompt ends at the token that predicts its first label. Error: labels that are not one
// row's tokens behind each other, as pack() makes them.
LabelledRows labelled_rows(const nn::PackedBatch& batch);

}  // namespace tsrec::tiger
