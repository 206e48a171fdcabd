#include "report/row_map.hpp"

#include <algorithm>

#include "report/table.hpp"
#include "support/number_text.hpp"
#include "tsrec/evenly_spaced.hpp"

namespace tsrec::host {
namespace {

torch::Tensor indices_of_level(const std::vector<NewToken>& tokens, int64_t level) {
  std::vector<int64_t> indices;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].level == level) indices.push_back(static_cast<int64_t>(i));
  }
  return torch::tensor(indices, torch::kInt64);
}

torch::Tensor evenly_chosen(const torch::Tensor& row_VD, int64_t wanted) {
  return row_VD.index_select(0, torch::tensor(evenly_spaced(row_VD.size(0), wanted)));
}

}  // namespace

std::string level_letter(int64_t level) {
  return std::string(1, static_cast<char>('a' + level % 26));
}

RowMap row_map(const std::vector<ModelRows>& models, const std::vector<NewToken>& tokens,
               int64_t words) {
  const torch::NoGradGuard no_grad;
  int64_t levels = 0;
  for (const NewToken& token : tokens) levels = std::max(levels, token.level + 1);
  RowMap map;
  std::vector<torch::Tensor> drawn;
  for (const ModelRows& rows : models) {
    const nn::WordSpace space(rows.word_VD);
    for (int64_t level = 0; level < levels; ++level) {
      const torch::Tensor index = indices_of_level(tokens, level);
      if (index.numel() == 0) continue;
      map.places.push_back(
          {rows.model, level, index.numel(), space.place_of(rows.sid_ED.index_select(0, index))});
    }
    drawn.push_back(evenly_chosen(rows.word_VD, words).to(torch::kFloat64));
    drawn.push_back(rows.sid_ED.to(torch::kFloat64));
  }
  const nn::PrincipalPlane plane = nn::principal_plane(torch::cat(drawn));
  map.share = plane.share;
  for (size_t m = 0; m < models.size(); ++m) {
    for (const bool is_word : {true, false}) {
      const torch::Tensor at_N2 =
          torch::matmul(drawn[2 * m + (is_word ? 0 : 1)] - plane.mean_D, plane.axis_D2)
              .contiguous();
      const double* at = at_N2.const_data_ptr<double>();
      for (int64_t i = 0; i < at_N2.size(0); ++i) {
        const NewToken token = is_word ? NewToken() : tokens[static_cast<size_t>(i)];
        map.points.push_back({models[m].model, token.text, token.level, at[2 * i], at[2 * i + 1]});
      }
    }
  }
  return map;
}

std::string row_map_text(const RowMap& map) {
  std::vector<std::vector<std::string>> rows = {
      {"model", "level", "tokens", "length", "nearest word", "inside", "dimensions"}};
  for (const RowMap::Place& row : map.places) {
    rows.push_back({row.model, level_letter(row.level), std::to_string(row.count),
                    fixed(row.place.length, 2), fixed(row.place.nearest, 2),
                    fixed(row.place.inside, 2), fixed(row.place.dimensions, 2)});
  }
  return table_text(rows) +
         "Rows of SID tokens, in units of words' rows: 1 is like a word. length: of a row; nearest "
         "word: the distance to it;\ninside: along the axes that hold 90 % of the words' variance; "
         "dimensions: over how many axes the rows spread.\n";
}

std::string row_map_csv(const RowMap& map) {
  std::string text = "model,token,level,x,y\n";
  for (const RowMap::Point& point : map.points) {
    const bool is_word = point.level < 0;
    text += point.model + "," + point.token + "," + (is_word ? "" : level_letter(point.level)) +
            "," + fixed(point.x, 6) + "," + fixed(point.y, 6) + "\n";
  }
  return text;
}

}  // namespace tsrec::host
