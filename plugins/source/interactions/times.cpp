#include "times.hpp"

#include <charconv>
#include <chrono>
#include <cmath>

namespace tsrec::interactions {
namespace {

using std::chrono::days;
using std::chrono::milliseconds;
using std::chrono::sys_days;

constexpr int64_t kEndOfTime = 253402300800000;  // the year 10000
constexpr int64_t kPerDay = 86400000;

// Reads text piece by piece; a piece that is not there leaves it as it is.
class TimeReader {
 public:
  explicit TimeReader(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // Exactly so many digits.
  std::optional<int64_t> digits(size_t count) {
    if (rest_.size() < count) return std::nullopt;
    int64_t value = 0;
    for (const char c : rest_.substr(0, count)) {
      if (c < '0' || c > '9') return std::nullopt;
      value = 10 * value + (c - '0');
    }
    rest_.remove_prefix(count);
    return value;
  }
  // Of a second, in milliseconds; what is smaller is cut off.
  std::optional<int64_t> fraction() {
    int64_t value = 0, unit = 100, count = 0;
    for (; !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; rest_.remove_prefix(1), ++count) {
      value += unit * (rest_[0] - '0');
      unit /= 10;
    }
    return count > 0 ? std::optional(value) : std::nullopt;
  }

 private:
  std::string_view rest_;
};

std::optional<int64_t> of_day(int64_t year, int64_t month, int64_t day) {
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return milliseconds(sys_days(date).time_since_epoch()).count();
}

std::optional<int64_t> read_day(TimeReader& reader) {
  const auto year = reader.digits(4);
  if (!year || !reader.take('-')) return std::nullopt;
  const auto month = reader.digits(2);
  if (!month || !reader.take('-')) return std::nullopt;
  const auto day = reader.digits(2);
  return day ? of_day(*year, *month, *day) : std::nullopt;
}

std::optional<int64_t> read_time_of_day(TimeReader& reader) {
  const auto hour = reader.digits(2);
  if (!hour || *hour > 23 || !reader.take(':')) return std::nullopt;
  const auto minute = reader.digits(2);
  if (!minute || *minute > 59) return std::nullopt;
  int64_t time = (*hour * 60 + *minute) * 60000;
  if (!reader.take(':')) return time;
  const auto second = reader.digits(2);
  if (!second || *second > 60) return std::nullopt;
  time += *second * 1000;
  if (!reader.take('.')) return time;
  const auto fraction = reader.fraction();
  return fraction ? std::optional(time + *fraction) : std::nullopt;
}

// What UTC is behind this zone.
std::optional<int64_t> read_zone(TimeReader& reader) {
  if (reader.at_end() || reader.take('Z')) return 0;
  const bool is_east = reader.take('+');
  if (!is_east && !reader.take('-')) return std::nullopt;
  const auto hours = reader.digits(2);
  reader.take(':');
  const auto minutes = reader.digits(2);
  if (!hours || !minutes || *hours > 14 || *minutes > 59) return std::nullopt;
  return (is_east ? 1 : -1) * (*hours * 60 + *minutes) * 60000;
}

std::optional<int64_t> of_date(std::string_view text) {
  TimeReader reader(text);
  const auto day = read_day(reader);
  if (!day) return std::nullopt;
  if (reader.at_end()) return day;
  if (!reader.take('T') && !reader.take(' ')) return std::nullopt;
  const auto time = read_time_of_day(reader);
  if (!time) return std::nullopt;
  const auto zone = read_zone(reader);
  if (!zone || !reader.at_end()) return std::nullopt;
  return *day + *time - *zone;
}

// How many of a unit a millisecond is; less than one for what is longer.
double per_millisecond(std::string_view unit) {
  return unit == "seconds" ? 1e-3 : unit == "milliseconds" ? 1 : unit == "microseconds" ? 1e3 : 1e6;
}

// Towards the past, also before 1970.
int64_t floor_divided(int64_t value, int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }

std::optional<int64_t> of_number(std::string_view text, std::string_view unit) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const char* const end = text.data() + text.size();
  int64_t whole = 0;
  if (const auto read = std::from_chars(text.data(), end, whole);
      read.ec == std::errc() && read.ptr == end) {
    if (unit == "seconds")
      return std::abs(static_cast<double>(whole)) * 1e3 < kEndOfTime ? std::optional(whole * 1000)
                                                                     : std::nullopt;
    const int64_t time = floor_divided(whole, static_cast<int64_t>(per_millisecond(unit)));
    return time < kEndOfTime && time > -kEndOfTime ? std::optional(time) : std::nullopt;
  }
  double value = 0;
  const auto read = std::from_chars(text.data(), end, value);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  value = std::floor(value / per_millisecond(unit) + 1e-6);
  return std::abs(value) < static_cast<double>(kEndOfTime)
             ? std::optional(static_cast<int64_t>(value))
             : std::nullopt;
}

}  // namespace

const std::vector<std::string>& time_units() {
  static const std::vector<std::string> units = {"seconds", "milliseconds", "microseconds",
                                                 "nanoseconds"};
  return units;
}

std::optional<int64_t> milliseconds_of(std::string_view text, std::string_view unit) {
  if (const auto number = of_number(text, unit)) return number;
  return of_date(text);
}

std::optional<int64_t> beginning_of(std::string_view date) {
  if (date.size() == 4) return of_date(std::string(date) + "-01-01");
  if (date.size() == 7) return of_date(std::string(date) + "-01");
  return of_date(date);
}

std::string day_text(int64_t milliseconds) {
  const std::chrono::year_month_day date{sys_days(days(floor_divided(milliseconds, kPerDay)))};
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text.data();
}

}  // namespace tsrec::interactions
