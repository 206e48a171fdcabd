#include "report/row_map.hpp"

#include <algorithm>
#include <array>

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

std::string level_letter(int64_t level) {
  return std::string(1, static_cast<char>('a' + level % 26));
}

// What a reader of the SVG may take for mark-up.
std::string escaped(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    if (c == '&') {
      safe += "&amp;";
    } else if (c == '<') {
      safe += "&lt;";
    } else {
      safe += c;
    }
  }
  return safe;
}

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  void take(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  double part(double value) const { return high > low ? (value - low) / (high - low) : 0.5; }
};

}  // namespace

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

std::string row_map_svg(const RowMap& map) {
  constexpr double kSide = 320, kGap = 20, kHead = 34, kFoot = 44;
  // Told apart by readers who see few colours (Okabe and Ito, 2008).
  static const std::array<const char*, 5> kColours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                      "#e69f00"};
  std::vector<std::string> panels;
  Range x, y;
  int64_t levels = 0;
  for (const RowMap::Point& point : map.points) {
    if (panels.empty() || panels.back() != point.model) panels.push_back(point.model);
    x.take(point.x);
    y.take(point.y);
    levels = std::max(levels, point.level + 1);
  }
  const double width = kGap + static_cast<double>(panels.size()) * (kSide + kGap);
  const double height = kHead + kSide + kFoot;
  std::string svg =
      c10::str("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ", width, " ", height,
               "\" font-family=\"sans-serif\" font-size=\"13\">\n"
               "<title>Rows of SID tokens among those of words</title>\n"
               "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
  size_t next = 0;
  for (size_t p = 0; p < panels.size(); ++p) {
    const double left = kGap + static_cast<double>(p) * (kSide + kGap);
    svg += c10::str("<text x=\"", left, "\" y=\"22\">", escaped(panels[p]), "</text>\n<rect x=\"",
                    left, "\" y=\"", kHead, "\" width=\"", kSide, "\" height=\"", kSide,
                    "\" fill=\"none\" stroke=\"#999999\"/>\n");
    for (; next < map.points.size() && map.points[next].model == panels[p]; ++next) {
      const RowMap::Point& point = map.points[next];
      const bool is_word = point.level < 0;
      const char* colour =
          is_word ? "#c4c4c4" : kColours[static_cast<size_t>(point.level) % kColours.size()];
      svg += "<circle cx=\"" + fixed(left + 4 + x.part(point.x) * (kSide - 8), 1) + "\" cy=\"" +
             fixed(kHead + kSide - 4 - y.part(point.y) * (kSide - 8), 1) + "\" r=\"" +
             (is_word ? "1.5" : "2.2") + "\" fill=\"" + colour + "\"" +
             (is_word ? "/>\n" : "><title>" + escaped(point.token) + "</title></circle>\n");
    }
  }
  double at = kGap;
  const auto legend = [&](const std::string& word, const char* colour) {
    svg += c10::str("<circle cx=\"", at + 4, "\" cy=\"", kHead + kSide + 20, "\" r=\"4\" fill=\"",
                    colour, "\"/><text x=\"", at + 13, "\" y=\"", kHead + kSide + 24.5, "\">", word,
                    "</text>\n");
    at += 40 + 7 * static_cast<double>(word.size());
  };
  legend("words", "#c4c4c4");
  for (int64_t level = 0; level < levels; ++level)
    legend("level " + level_letter(level), kColours[static_cast<size_t>(level) % kColours.size()]);
  return svg + "</svg>\n";
}

}  // namespace tsrec::host
