// One vector for each item: learnt alone, or learnt beside the encoder's vectors.
#pragma once

#include "layers.hpp"
#include "tsrec/options.hpp"

namespace tsrec::sequential {

// What catalogue and rows give a model.
struct Catalogue {
  int64_t num_items = 0;
  torch::Tensor x_ND = {};  // of the encoder; undefined where nothing asks for them
  bool has_times = false;   // rows say when the events of their histories were
};

struct ItemTableOptions {
  int64_t width = 64;
  std::string vectors = "none";  // none, add, init
  double deviation = 0.02;
};

class ItemTable {
 public:
  ItemTable(Parameters& parameters, const ItemTableOptions& options, const Catalogue& catalogue);
  torch::Tensor all() const;                            // [N, width]
  torch::Tensor rows(const torch::Tensor& item) const;  // of int64 [n]: [n, width]
  int64_t width() const { return table_ND_.size(1); }

 private:
  torch::Tensor table_ND_, projection_DV_;
  torch::Tensor x_NV_;  // of "add"
};

// Scores are products of a state with rows of outputs: of the item table, where the model is tied,
// else of a weight with a bias. A bias is one more column, and every state has a 1 for it.
class Outputs {
 public:
  // items: null where the outputs are not tied to them.
  Outputs(Parameters& parameters, const ItemTable* items, int64_t width, int64_t num_items,
          bool tied_with_bias = false);
  torch::Tensor all() const;
  torch::Tensor rows(const torch::Tensor& item) const;
  torch::Tensor states(const torch::Tensor& h_RD) const;

 private:
  const ItemTable* items_;
  torch::Tensor weight_ND_, bias_N_;
};

// Columns with mean 0, and 1 as the root of the mean square of all entries; float32 [N, D].
torch::Tensor standardised(const torch::Tensor& x_ND);
// The first `width` principal components, largest first, [N, min(width, D)].
torch::Tensor principal_components(const torch::Tensor& x_ND, int64_t width);

}  // namespace tsrec::sequential
