// SVG, element by element: the little of it that figures need. Equal calls give equal bytes.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "support/api.hpp"

namespace tsrec::host::figures {

// Two decimals at most and no trailing zeros: "12.5", "-3", "0".
std::string coordinate(double value);

struct Place {
  double x = 0, y = 0;  // pixels, y down
};

class TSREC_HOST_API Svg {
 public:
  using Attributes = std::vector<std::pair<std::string, std::string>>;

  // title: what a screen reader says of it.
  Svg(double width, double height, const std::string& title);

  void begin(const std::string& name, const Attributes& attributes);
  void end();  // of what was begun last
  void element(const std::string& name, const Attributes& attributes);

  // style: attributes such as {"stroke", "#333333"}.
  void line(Place from, Place to, const Attributes& style);
  void rectangle(Place corner, double width, double height, const Attributes& style);
  // title: what a pointer above it shows; "" for none.
  void circle(Place centre, double radius, const Attributes& style, const std::string& title = "");
  void polyline(const std::vector<Place>& places, const Attributes& style);
  void polygon(const std::vector<Place>& places, const Attributes& style);
  void words(Place at, const std::string& text, const Attributes& style = {});

  std::string finished();  // the document; to be called once, when all is drawn

 private:
  void open(const std::string& name, const Attributes& attributes, const std::string& ending);
  void with_text(const std::string& name, const Attributes& attributes, const std::string& text);

  std::string text_;
  std::vector<std::string> begun_;
};

}  // namespace tsrec::host::figures
