// What all sources of interactions read: who did something with what, and when.
#pragma once

#include "name_table.hpp"
#include "tsrec/data.hpp"

namespace tsrec::interactions {

// 16 bytes, whatever the file spends on it.
struct Event {
  uint32_t user = 0, item = 0;  // numbers of the names
  int64_t time = 0;             // milliseconds since 1970, UTC
};

struct Events {
  NameTable users, items;
  std::vector<Event> list;       // in the order of the file
  Times times = Times::seconds;  // order: the file tells none, and they count its lines

  void add(std::string_view user, std::string_view item, int64_t time) {
    list.push_back({users.number(user), items.number(item), time});
  }
};

}  // namespace tsrec::interactions
