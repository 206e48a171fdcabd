// Where the rows of SID tokens lie among those of words, before and after training (paper, Figure
// 1): a value, and its renderers; its picture is one of the figures.
#pragma once

#include <string>
#include <vector>

#include "pipeline/model_rows.hpp"
#include "support/api.hpp"
#include "tsrec/nn/row_space.hpp"
#include "tsrec/sid.hpp"

namespace tsrec::host {

struct RowMap {
  struct Place {
    std::string model;
    int64_t level = -1, count = 0;
    nn::RowPlace place;
  };
  struct Point {
    std::string model, token;  // token: "" for a word
    int64_t level = -1;        // -1 for a word
    double x = 0, y = 0;
  };
  std::vector<Place> places;  // level by level for each model
  std::vector<Point> points;  // a sample of the words, then the SID tokens, for each model
  double share = 0;           // of all points' variance that their common plane shows
};
// models: in the order of training, with at least one; tokens: of the rows of sid_ED, all levels
// used. words: how many of a model's words are drawn.
TSREC_HOST_API RowMap row_map(const std::vector<ModelRows>& models,
                              const std::vector<NewToken>& tokens, int64_t words = 1500);

TSREC_HOST_API std::string row_map_text(const RowMap& map);  // a table with its legend
TSREC_HOST_API std::string row_map_csv(const RowMap& map);   // model,token,level,x,y
std::string level_letter(int64_t level);                     // "a" of level 0

}  // namespace tsrec::host
