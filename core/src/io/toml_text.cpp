#include "tsrec/io/toml_text.hpp"

#include <charconv>
#include <cmath>

namespace tsrec::io {
namespace {

std::string shortest(double value) {
  std::array<char, 32> buffer{};
  return {buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr};
}

}  // namespace

std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        out += c;
    }
  }
  return out + "\"";
}

std::string toml_float(double value) {
  if (std::isnan(value)) return "nan";
  const std::string text = shortest(value);
  return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}

std::string plain_number(double value) {
  constexpr double kExact = 9007199254740992;  // 2^53: every whole number up to here is a double
  const bool is_whole = std::abs(value) <= kExact && value == std::trunc(value);
  return is_whole ? std::to_string(static_cast<int64_t>(value)) : shortest(value);
}

}  // namespace tsrec::io
