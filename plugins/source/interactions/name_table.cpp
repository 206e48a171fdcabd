#include "name_table.hpp"

#include <functional>
#include <limits>

namespace tsrec::interactions {

NameTable::NameTable() : end_(1, 0), slots_(1024, 0) {}

std::string_view NameTable::name(uint32_t number) const {
  return std::string_view(bytes_).substr(end_[number], end_[number + 1] - end_[number]);
}

// Linear probing; the number of slots is a power of two.
size_t NameTable::slot_of(std::string_view name) const {
  const size_t mask = slots_.size() - 1;
  size_t slot = std::hash<std::string_view>()(name) & mask;
  while (slots_[slot] != 0 && this->name(slots_[slot] - 1) != name) slot = (slot + 1) & mask;
  return slot;
}

std::optional<uint32_t> NameTable::find(std::string_view name) const {
  const uint32_t found = slots_[slot_of(name)];
  return found == 0 ? std::nullopt : std::optional(found - 1);
}

uint32_t NameTable::number(std::string_view name) {
  size_t slot = slot_of(name);
  if (slots_[slot] != 0) return slots_[slot] - 1;
  if (size() + 1 >= std::numeric_limits<uint32_t>::max())
    throw DataError("there are more than 4294967293 names of users or of items; cut the data down");
  if (2 * (size() + 1) > slots_.size()) {
    grow();
    slot = slot_of(name);
  }
  bytes_ += name;
  end_.push_back(bytes_.size());
  slots_[slot] = static_cast<uint32_t>(size());
  return slots_[slot] - 1;
}

void NameTable::grow() {
  slots_.assign(2 * slots_.size(), 0);
  for (uint32_t number = 0; number < size(); ++number) slots_[slot_of(name(number))] = number + 1;
}

}  // namespace tsrec::interactions
