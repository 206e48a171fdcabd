#include "text/precompiled_map.hpp"

#include <array>
#include <cstring>

#include "text/unicode.hpp"

namespace tsrec::text {
namespace {

// A unit of darts-clone: the label of the edge that leads here, whether a value hangs below, and
// where the children are.
uint32_t label(uint32_t unit) { return unit & ((1u << 31) | 0xFF); }
bool has_value(uint32_t unit) { return (unit >> 8 & 1) != 0; }
uint32_t value(uint32_t unit) { return unit & ((1u << 31) - 1); }
uint32_t offset(uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); }

std::optional<std::string> decoded_base64(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xFF);
  }
  return out;
}

}  // namespace

PrecompiledMap PrecompiledMap::from_base64(const std::string& text, const Step& step) {
  const std::optional<std::string> bytes = decoded_base64(text);
  uint32_t size = 0;
  if (bytes && bytes->size() >= sizeof(size)) std::memcpy(&size, bytes->data(), sizeof(size));
  const bool fits =
      bytes && size > 0 && size % sizeof(uint32_t) == 0 && bytes->size() >= sizeof(size) + size;
  if (!fits) step.refuse("precompiled_charsmap is damaged");
  PrecompiledMap map;
  map.units_.resize(size / sizeof(uint32_t));
  std::memcpy(map.units_.data(), bytes->data() + sizeof(size), size);
  map.replacements_ = bytes->substr(sizeof(size) + size);
  return map;
}

// Of the entries that the part begins with, the shortest decides.
std::optional<std::string_view> PrecompiledMap::replacement(std::string_view part) const {
  size_t at = offset(units_.front());
  for (const char c : part) {
    const auto byte = static_cast<unsigned char>(c);
    at ^= byte;
    if (byte == 0 || at >= units_.size() || label(units_[at]) != byte) return std::nullopt;
    const bool ends_here = has_value(units_[at]);
    at ^= offset(units_[at]);
    if (!ends_here) continue;
    if (at >= units_.size() || value(units_[at]) >= replacements_.size()) return std::nullopt;
    const std::string_view rest = std::string_view(replacements_).substr(value(units_[at]));
    return rest.substr(0, rest.find('\0'));
  }
  return std::nullopt;
}

std::string PrecompiledMap::operator()(std::string_view text) const {
  constexpr size_t kLongestLookedUpWhole = 5;
  std::string out;
  const auto add_cluster = [&](std::string_view cluster) {
    if (cluster.size() <= kLongestLookedUpWhole) {
      if (const auto found = replacement(cluster)) {
        out += *found;
        return;
      }
    }
    each_character(cluster, [&](char32_t, std::string_view bytes) {
      out += replacement(bytes).value_or(bytes);
    });
  };
  size_t begin = 0;
  char32_t before = 0;
  int32_t state = 0;
  each_character(text, [&](char32_t code, std::string_view bytes) {
    const auto at = static_cast<size_t>(bytes.data() - text.data());
    if (at > 0 && begins_cluster(before, code, state)) {
      add_cluster(text.substr(begin, at - begin));
      begin = at;
    }
    before = code;
  });
  if (begin < text.size()) add_cluster(text.substr(begin));
  return out;
}

}  // namespace tsrec::text
