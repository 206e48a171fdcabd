// From the texts of a record to an event.
#pragma once

#include "events.hpp"
#include "preparation.hpp"
#include "text_file.hpp"

namespace tsrec::interactions {

class EventReader {
 public:
  // What becomes of an event whose item is none of the names given.
  enum class Unknown { is_added, is_left_out, is_refused };

  // how and place must outlive it. place: of the record being read, "FILE:LINE: ".
  EventReader(const Preparation& how, std::string time_unit, std::function<std::string()> place,
              NameTable items = {}, Unknown unknown = Unknown::is_added);

  // Empty, or what Python makes of a NaN: missing. time nullopt: the order of the records is the
  // order in time. Events without user, item or time, and those rated too low, are left out. Throws
  // DataError beginning with the place: a time or a rating that is none, an unknown item.
  void read(std::string_view user, std::string_view item, std::optional<std::string_view> time,
            std::string_view rating);
  // Everything read; what was left out is among the remarks.
  Events finished(Remarks& remarks) &&;

 private:
  bool is_rated_well(std::string_view rating) const;
  int64_t time_of(std::string_view text) const;

  const Preparation& how_;
  std::string time_unit_;
  std::function<std::string()> place_;
  Unknown unknown_;
  Events events_;
  int64_t incomplete_ = 0, rated_low_ = 0, unknown_items_ = 0;
};

}  // namespace tsrec::interactions
