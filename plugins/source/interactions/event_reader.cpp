#include "event_reader.hpp"

#include <charconv>

#include "table_file.hpp"
#include "times.hpp"

namespace tsrec::interactions {

EventReader::EventReader(const Preparation& how, std::string time_unit,
                         std::function<std::string()> place, NameTable items, Unknown unknown)
    : how_(how), time_unit_(std::move(time_unit)), place_(std::move(place)), unknown_(unknown) {
  events_.items = std::move(items);
}

void EventReader::read(std::string_view user, std::string_view item,
                       std::optional<std::string_view> time, std::string_view rating) {
  user = trimmed(user);
  item = trimmed(item);
  if (time) time = trimmed(*time);
  if (is_missing(user) || is_missing(item) || (time && is_missing(*time))) {
    ++incomplete_;
    return;
  }
  const bool is_known = unknown_ == Unknown::is_added || events_.items.find(item);
  if (!is_known && unknown_ == Unknown::is_refused)
    throw DataError(place_(), "'", item,
                    "' is no item of the item file, which is the catalogue; "
                    "add it there, or set catalogue = \"events\"");
  unknown_items_ += is_known ? 0 : 1;
  if (!is_known) return;
  if (how_.asks_for_ratings() && !is_rated_well(trimmed(rating))) {
    ++rated_low_;
    return;
  }
  // Where nothing tells the time, a second passes from each event to the next.
  if (!time) events_.times = Times::order;
  events_.add(user, item, time ? time_of(*time) : 1000 * static_cast<int64_t>(events_.list.size()));
}

bool EventReader::is_rated_well(std::string_view rating) const {
  if (is_missing(rating)) return false;
  double value = 0;
  const char* const end = rating.data() + rating.size();
  const auto read = std::from_chars(rating.data(), end, value);
  if (read.ec != std::errc() || read.ptr != end)
    throw DataError(place_(), "'", rating, "' is no rating; expected a number");
  return value >= how_.min_rating;
}

int64_t EventReader::time_of(std::string_view text) const {
  if (const auto time = milliseconds_of(text, time_unit_)) return *time;
  throw DataError(place_(), "'", text, "' is no time; expected a number of ", time_unit_,
                  " since 1970, before the year 10000, or a date such as 2018-11-05T07:30:00");
}

Events EventReader::finished(Remarks& remarks) && {
  const auto remark = [&](const char* what, int64_t count) {
    if (count > 0) remarks[what] += count;
  };
  remark("events without user, item or time, left out", incomplete_);
  remark("events rated below min_rating, or not at all, left out", rated_low_);
  remark("events of items without an admissible title, left out", unknown_items_);
  return std::move(events_);
}

}  // namespace tsrec::interactions
