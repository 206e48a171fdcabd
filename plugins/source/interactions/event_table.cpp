#include "event_table.hpp"

namespace tsrec::interactions {

Events events_of_table(TableFile& table, const EventColumns& columns, const Preparation& how,
                       const std::function<NameTable()>& catalogue, Remarks& remarks) {
  const size_t user = table.column(columns.user, "user");
  const size_t item = table.column(columns.item, "item");
  const auto optional_column = [&](const std::string& name, const char* option) {
    return name.empty() ? std::nullopt : std::optional(table.column(name, option));
  };
  const auto time = optional_column(columns.time, "time");
  const auto rating = optional_column(columns.rating, "rating");
  EventReader reader(
      how, columns.time_unit, [&] { return table.place(); }, catalogue ? catalogue() : NameTable(),
      catalogue ? EventReader::Unknown::is_refused : EventReader::Unknown::is_added);
  while (table.next()) {
    reader.read(table.field(user), table.field(item),
                time ? std::optional<std::string_view>(table.field(*time)) : std::nullopt,
                rating ? std::string_view(table.field(*rating)) : std::string_view());
  }
  table.add_remarks(remarks);
  return std::move(reader).finished(remarks);
}

NameTable catalogue_of_table(TableFile& table, size_t column) {
  NameTable names;
  while (table.next()) {
    const std::string_view name = trimmed(table.field(column));
    if (!is_missing(name)) names.number(name);
  }
  return names;
}

}  // namespace tsrec::interactions
