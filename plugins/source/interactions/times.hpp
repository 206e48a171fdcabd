// Times as files write them.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::interactions {

// Names of what a number counts since 1970: "seconds", "milliseconds", "microseconds",
// "nanoseconds"; everything becomes milliseconds.
const std::vector<std::string>& time_units();

// Milliseconds since 1970 in UTC: of a number, whole or with a fraction, in that unit; or of a
// date, 2018-11-05, with a time of day, 2018-11-05T07:30:15.250 or with a blank in place of the T,
// and a zone, Z or +01:00 (none: UTC). nullopt: it is neither, or is beyond the year 9999.
std::optional<int64_t> milliseconds_of(std::string_view text, std::string_view unit);
// Of a date alone, or of a month (2018-11) or a year (2018): where it begins.
std::optional<int64_t> beginning_of(std::string_view date);
// The day, for sentences: "2018-11-05".
std::string day_text(int64_t milliseconds);

}  // namespace tsrec::interactions
