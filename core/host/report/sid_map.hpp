// Two maps of what the SIDs stand for: items' vectors, coloured by their first code, and the rows
// of SID tokens among those of words, model by model (paper, Figure 1).
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "report/keywords.hpp"
#include "report/row_map.hpp"
#include "tsrec/data.hpp"

namespace tsrec::host {

// The same points on two planes.
struct DrawnPoints {
  torch::Tensor axes_N2;        // of the two principal axes
  torch::Tensor neighbours_N2;  // t-SNE; undefined where there are too few points for it
  double share = 0;             // of the variance, that the axes show
  double perplexity = 0;        // of the t-SNE
};

struct TSREC_HOST_API ItemMap {
  std::vector<int64_t> items;  // drawn: evenly spaced
  DrawnPoints points;
};
// x_ND: the encoder's vectors, at least two that differ. The principal axes are those of at most
// 20,000 evenly spaced items.
TSREC_HOST_API ItemMap item_map(const torch::Tensor& x_ND, int64_t most = 600);

struct TSREC_HOST_API TokenMap {
  std::vector<std::string> models;
  std::vector<RowMap::Place> places;
  struct Row {
    int64_t model = 0;   // in models
    std::string token;   // "" for a word
    int64_t level = -1;  // -1 for a word
  };
  std::vector<Row> rows;
  DrawnPoints points;  // of all models together, so that they can be compared
};
// models and tokens as in row_map(). most: points of all models together, a third of them words,
// evenly spaced.
TSREC_HOST_API TokenMap token_map(const std::vector<ModelRows>& models,
                                  const std::vector<NewToken>& tokens, int64_t most = 1200);

// {"of", "share", "perplexity", "axes": {"x": [], "y": []}, "neighbours": the same or null,
// "title": [], "code": [first code], "tokens": {first code: its token}}. Coordinates are whole
// numbers of 0..1000, the same scale across and up.
TSREC_HOST_API nlohmann::ordered_json item_map_json(const ItemMap& map, const SidTable& sids,
                                                    const Items& items);
// {"models", "places": [{"model", "level", "count", "length", "nearest", "inside",
// "dimensions"}], "share", "perplexity", "axes", "neighbours", "model": [], "level": [], "token":
// []}.
TSREC_HOST_API nlohmann::ordered_json token_map_json(const TokenMap& map);

}  // namespace tsrec::host
