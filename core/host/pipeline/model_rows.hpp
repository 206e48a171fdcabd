// The rows that stored models read tokens by: those of SID tokens, and those of all others.
#pragma once

#include <string>
#include <vector>

#include "pipeline/parts.hpp"
#include "tsrec/context.hpp"
#include "tsrec/sid.hpp"

namespace tsrec::host {

// The input rows of one model.
struct ModelRows {
  std::string model;              // "untrained", then the names of training stages
  torch::Tensor sid_ED, word_VD;  // float32
};

// Of the stored models among these stages, in the order of training; tokens: of the rows of sid_ED.
struct StoredRows {
  std::vector<ModelRows> models;
  std::vector<NewToken> tokens;
};
StoredRows stored_rows(const Parts& parts, const std::vector<StageResult>& stages,
                       const SidTable& sids, Context& context);

}  // namespace tsrec::host
