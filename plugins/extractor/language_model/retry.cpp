#include "retry.hpp"

#include <charconv>
#include <iomanip>

namespace tsrec::language_model {
namespace {

constexpr Seconds kLongest{60};

// "Sun, 06 Nov 1994 08:49:37 GMT": the one form that servers write today.
std::optional<std::chrono::sys_seconds> http_date(const std::string& text) {
  std::istringstream in(text);
  in.imbue(std::locale::classic());
  std::tm read{};
  in >> std::get_time(&read, "%a, %d %b %Y %H:%M:%S GMT");
  if (in.fail()) return std::nullopt;
  const std::chrono::year_month_day day{std::chrono::year(read.tm_year + 1900),
                                        std::chrono::month(static_cast<unsigned>(read.tm_mon + 1)),
                                        std::chrono::day(static_cast<unsigned>(read.tm_mday))};
  if (!day.ok()) return std::nullopt;
  return std::chrono::sys_days(day) + std::chrono::hours(read.tm_hour) +
         std::chrono::minutes(read.tm_min) + std::chrono::seconds(read.tm_sec);
}

}  // namespace

std::optional<Seconds> retry_after(const std::string& header,
                                   std::chrono::system_clock::time_point now) {
  double seconds = 0;
  const char* end = header.data() + header.size();
  const auto [stopped, error] =
      std::from_chars(header.data(), end, seconds, std::chars_format::fixed);
  if (error == std::errc() && stopped == end)
    return std::isfinite(seconds) && seconds >= 0 ? std::optional(Seconds(seconds)) : std::nullopt;
  const auto date = http_date(header);
  if (!date) return std::nullopt;
  return std::max(Seconds(0), Seconds(*date - now));
}

Seconds back_off(Seconds first, int64_t retry, double uniform) {
  const Seconds longest = std::min(kLongest, first * std::exp2(static_cast<double>(retry)));
  return longest * (0.5 + uniform / 2);
}

}  // namespace tsrec::language_model
