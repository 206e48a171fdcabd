#include "support/number_text.hpp"

#include <array>
#include <cmath>
#include <cstdio>

namespace tsrec::host {

std::string fixed(double value, int digits) {
  std::array<char, 40> text;
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

std::string signed_fixed(double value, int digits) {
  return std::string(value < 0 ? "-" : "+") + fixed(std::abs(value), digits);
}

std::string signed_range(double low, double high) {
  return signed_fixed(low) + " .. " + signed_fixed(high);
}

std::string significant(double value, int digits) {
  std::array<char, 40> text;
  std::snprintf(text.data(), text.size(), "%.*g", digits, value);
  return text.data();
}

}  // namespace tsrec::host
