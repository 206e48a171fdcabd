#include "report/sid_map.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "report/one_line.hpp"
#include "report/tsne.hpp"
#include "tsrec/evenly_spaced.hpp"

namespace tsrec::host {
namespace {

using nlohmann::ordered_json;

torch::Tensor at_least_two_columns(const torch::Tensor& x_ND) {
  return x_ND.size(1) > 1 ? x_ND : torch::cat({x_ND, torch::zeros_like(x_ND)}, 1);
}

torch::Tensor chosen_rows(const torch::Tensor& x_ND, const std::vector<int64_t>& chosen) {
  return x_ND.index_select(0, torch::tensor(chosen, torch::kInt64).to(x_ND.device()))
      .cpu()
      .to(torch::kFloat64);
}

DrawnPoints drawn(const torch::Tensor& x_ND, const nn::PrincipalPlane& plane) {
  DrawnPoints points;
  points.axes_N2 = torch::matmul(x_ND - plane.mean_D, plane.axis_D2);
  points.share = plane.share;
  if (x_ND.size(0) < kFewestTsnePoints) return points;
  const TsneSettings settings;
  points.perplexity = tsne_perplexity(x_ND.size(0), settings.perplexity);
  points.neighbours_N2 = tsne(x_ND, settings);
  return points;
}

// On a square of 1000, the same scale on both axes.
ordered_json square_of(const torch::Tensor& at_N2) {
  if (!at_N2.defined()) return nullptr;
  const torch::Tensor low_2 = at_N2.amin(0), high_2 = at_N2.amax(0);
  const double side = std::max((high_2 - low_2).max().item<double>(), 1e-300);
  const torch::Tensor middle_2 = (low_2 + high_2) / 2;
  const torch::Tensor place_N2 = ((at_N2 - middle_2) / side * 1000 + 500).round().to(torch::kInt64);
  ordered_json json = {{"x", ordered_json::array()}, {"y", ordered_json::array()}};
  const auto place = place_N2.accessor<int64_t, 2>();
  for (int64_t i = 0; i < place.size(0); ++i) {
    json["x"].push_back(place[i][0]);
    json["y"].push_back(place[i][1]);
  }
  return json;
}

void add_points(const DrawnPoints& points, ordered_json& json) {
  json["share"] = points.share;
  json["perplexity"] = points.perplexity;
  json["axes"] = square_of(points.axes_N2);
  json["neighbours"] = square_of(points.neighbours_N2);
}

}  // namespace

ItemMap item_map(const torch::Tensor& x_ND, int64_t most) {
  const torch::NoGradGuard no_grad;
  constexpr int64_t kMeasured = 20000;
  const torch::Tensor wide_ND = at_least_two_columns(x_ND);
  const int64_t count = wide_ND.size(0);
  const nn::PrincipalPlane plane =
      nn::principal_plane(chosen_rows(wide_ND, evenly_spaced(count, std::min(count, kMeasured))));
  ItemMap map;
  map.items = evenly_spaced(count, std::min(count, most));
  map.points = drawn(chosen_rows(wide_ND, map.items), plane);
  return map;
}

TokenMap token_map(const std::vector<ModelRows>& models, const std::vector<NewToken>& tokens,
                   int64_t most) {
  const torch::NoGradGuard no_grad;
  TokenMap map;
  map.places = row_map(models, tokens).places;
  const int64_t of_each = most / static_cast<int64_t>(models.size());
  const auto num_tokens = static_cast<int64_t>(tokens.size());
  const std::vector<int64_t> drawn_tokens =
      evenly_spaced(num_tokens, std::min(num_tokens, of_each * 2 / 3));
  std::vector<torch::Tensor> parts;
  for (const ModelRows& rows : models) {
    const auto model = static_cast<int64_t>(map.models.size());
    map.models.push_back(rows.model);
    const int64_t words = rows.word_VD.size(0);
    const std::vector<int64_t> drawn_words = evenly_spaced(words, std::min(words, of_each / 3));
    parts.push_back(chosen_rows(rows.word_VD, drawn_words));
    parts.push_back(chosen_rows(rows.sid_ED, drawn_tokens));
    map.rows.insert(map.rows.end(), drawn_words.size(), {model, "", -1});
    for (const int64_t at : drawn_tokens) {
      const NewToken& token = tokens[static_cast<size_t>(at)];
      map.rows.push_back({model, token.text, token.level});
    }
  }
  const torch::Tensor row_ND = torch::cat(parts);
  map.points = drawn(row_ND, nn::principal_plane(row_ND));
  return map;
}

ordered_json item_map_json(const ItemMap& map, const SidTable& sids, const Items& items) {
  ordered_json json = {{"of", sids.num_items()}};
  add_points(map.points, json);
  for (const int64_t item : map.items) {
    json["title"].push_back(shown_title(items, item, /*most=*/40));
    const int64_t code = sids.code_NL[item][0].item<int64_t>();
    json["code"].push_back(code);
    json["tokens"][std::to_string(code)] = sids.spelling.token(0, code);
  }
  return json;
}

ordered_json token_map_json(const TokenMap& map) {
  ordered_json json = {{"models", map.models}};
  for (const RowMap::Place& row : map.places) {
    json["places"].push_back({{"model", row.model},
                              {"level", row.level},
                              {"count", row.count},
                              {"length", row.place.length},
                              {"nearest", row.place.nearest},
                              {"inside", row.place.inside},
                              {"dimensions", row.place.dimensions}});
  }
  add_points(map.points, json);
  for (const TokenMap::Row& row : map.rows) {
    json["model"].push_back(row.model);
    json["level"].push_back(row.level);
    json["token"].push_back(row.token);
  }
  return json;
}

}  // namespace tsrec::host
