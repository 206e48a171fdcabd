#include "pipeline/row_share.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

namespace tsrec::host {
namespace {

constexpr int64_t kWhole = 1000000;

// Of `count` rows, rounded; half a row is a whole one. In parts, as count * kWhole may be too
// large.
int64_t rows_of(int64_t count, int64_t millionths) {
  return count / kWhole * millionths + (count % kWhole * millionths + kWhole / 2) / kWhole;
}

}  // namespace

std::optional<RowShare> RowShare::parse(const std::string& text) {
  if (text == "all") return RowShare();
  const size_t colon = text.find(':');
  if (colon == std::string::npos) return std::nullopt;
  const std::string end = text.substr(0, colon);
  if (end != "first" && end != "last") return std::nullopt;
  double share = 0;
  const char* const stop = text.data() + text.size();
  const auto read = std::from_chars(text.data() + colon + 1, stop, share);
  if (read.ec != std::errc() || read.ptr != stop) return std::nullopt;
  if (!(share > 0 && share < 1)) return std::nullopt;
  RowShare parsed{end == "first" ? End::first : End::last, std::llround(share * kWhole)};
  return parsed.millionths > 0 && parsed.millionths < kWhole ? std::optional(parsed) : std::nullopt;
}

RowShare::Places RowShare::of(int64_t count) const {
  switch (end) {
    case End::all:
      return {0, count};
    case End::first:
      return {0, rows_of(count, millionths)};
    case End::last:
      return {rows_of(count, kWhole - millionths), count};
  }
  throw Error("a share of rows at no end");
}

int64_t shared_rows(const RowShare& a, const RowShare& b, int64_t count) {
  const RowShare::Places of_a = a.of(count), of_b = b.of(count);
  return std::max<int64_t>(0, std::min(of_a.end, of_b.end) - std::max(of_a.begin, of_b.begin));
}

Dataset with_rows(const Dataset& data, const RowShare& share) {
  if (share.end == RowShare::End::all) return data;
  const int64_t* time = data.train.time_S.const_data_ptr<int64_t>();
  std::vector<int64_t> in_time(static_cast<size_t>(data.train.size()));
  std::iota(in_time.begin(), in_time.end(), int64_t{0});
  std::stable_sort(in_time.begin(), in_time.end(),
                   [&](int64_t a, int64_t b) { return time[a] < time[b]; });
  const RowShare::Places places = share.of(data.train.size());
  std::vector<int64_t> chosen(in_time.begin() + places.begin, in_time.begin() + places.end);
  std::sort(chosen.begin(), chosen.end());
  Dataset part = data;
  part.train = data.train.rows(chosen);
  return part;
}

}  // namespace tsrec::host
