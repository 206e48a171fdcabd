#include "report/figures/svg.hpp"

#include <cmath>

#include "report/figures/style.hpp"
#include "support/number_text.hpp"

namespace tsrec::host::figures {
namespace {

// What would be mark-up, and the control characters that XML forbids.
std::string escaped(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return safe;
}

std::string points(const std::vector<Place>& places) {
  std::string text;
  for (const Place& place : places)
    text += (text.empty() ? "" : " ") + coordinate(place.x) + "," + coordinate(place.y);
  return text;
}

Svg::Attributes joined(Svg::Attributes first, const Svg::Attributes& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

}  // namespace

std::string coordinate(double value) {
  std::string text = fixed(value, 2);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

Svg::Svg(double width, double height, const std::string& title) {
  open("svg",
       {{"xmlns", "http://www.w3.org/2000/svg"},
        {"width", coordinate(width)},
        {"height", coordinate(height)},
        {"viewBox", "0 0 " + coordinate(width) + " " + coordinate(height)},
        {"role", "img"},
        {"font-family", style::kFont},
        {"font-size", coordinate(style::kFontSize)},
        {"fill", style::kInk}},
       ">\n");
  begun_.emplace_back("svg");
  with_text("title", {}, title);
  rectangle({0, 0}, width, height, {{"fill", style::kPaper}});
}

void Svg::open(const std::string& name, const Attributes& attributes, const std::string& ending) {
  text_ += "<" + name;
  for (const auto& [key, value] : attributes) text_ += " " + key + "=\"" + escaped(value) + "\"";
  text_ += ending;
}

void Svg::with_text(const std::string& name, const Attributes& attributes,
                    const std::string& text) {
  open(name, attributes, ">");
  text_ += escaped(text) + "</" + name + ">\n";
}

void Svg::begin(const std::string& name, const Attributes& attributes) {
  open(name, attributes, ">\n");
  begun_.push_back(name);
}

void Svg::end() {
  text_ += "</" + begun_.back() + ">\n";
  begun_.pop_back();
}

void Svg::element(const std::string& name, const Attributes& attributes) {
  open(name, attributes, "/>\n");
}

void Svg::line(Place from, Place to, const Attributes& style) {
  element("line", joined({{"x1", coordinate(from.x)},
                          {"y1", coordinate(from.y)},
                          {"x2", coordinate(to.x)},
                          {"y2", coordinate(to.y)}},
                         style));
}

void Svg::rectangle(Place corner, double width, double height, const Attributes& style) {
  element("rect", joined({{"x", coordinate(corner.x)},
                          {"y", coordinate(corner.y)},
                          {"width", coordinate(width)},
                          {"height", coordinate(height)}},
                         style));
}

void Svg::circle(Place centre, double radius, const Attributes& style, const std::string& title) {
  const Attributes all = joined(
      {{"cx", coordinate(centre.x)}, {"cy", coordinate(centre.y)}, {"r", coordinate(radius)}},
      style);
  if (title.empty()) return element("circle", all);
  open("circle", all, ">");
  text_ += "<title>" + escaped(title) + "</title></circle>\n";
}

void Svg::polyline(const std::vector<Place>& places, const Attributes& style) {
  element("polyline", joined({{"points", points(places)}, {"fill", "none"}}, style));
}

void Svg::polygon(const std::vector<Place>& places, const Attributes& style) {
  element("polygon", joined({{"points", points(places)}}, style));
}

void Svg::words(Place at, const std::string& text, const Attributes& style) {
  with_text("text", joined({{"x", coordinate(at.x)}, {"y", coordinate(at.y)}}, style), text);
}

std::string Svg::finished() {
  while (!begun_.empty()) end();
  return std::move(text_);
}

}  // namespace tsrec::host::figures
