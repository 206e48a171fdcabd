// Events and items out of tables whose columns have names.
#pragma once

#include "event_reader.hpp"
#include "table_file.hpp"

namespace tsrec::interactions {

struct EventColumns {
  std::string user, item, time, rating;  // the last two: "" where there is none
  std::string time_unit;                 // of times that are numbers
};

// All events of the table. catalogue: empty, or gives the only items there may be; it is asked when
// the columns are found. Throws DataError: no such column, and as EventReader does.
Events events_of_table(TableFile& table, const EventColumns& columns, const Preparation& how,
                       const std::function<NameTable()>& catalogue, Remarks& remarks);

// What the column names, in the order of the lines; lines without a name are passed over.
NameTable catalogue_of_table(TableFile& table, size_t column);

}  // namespace tsrec::interactions
