#include "csv.hpp"

#include "event_table.hpp"
#include "times.hpp"

namespace tsrec::interactions {

void CsvSettings::declare(Options& o) {
  o.add("file", file).required().help("table of events, one a line; may be compressed by gzip");
  o.add("separator", separator)
      .help(
          "one character between fields; empty: of comma, tab, semicolon and | what the first line "
          "has most of")
      .check([this] {
        return separator.size() <= 1
                   ? std::string()
                   : "separator = \"" + separator + "\" is not one character; name one, or none";
      });
  o.add("columns", columns)
      .help("names of the file's columns, where it has no header line; none: its first line");
  o.add("user", user).help("column of users; any text names a user");
  o.add("item", item).help("column of items; any text names an item");
  o.add("time", time).help("column of times: numbers or dates; empty: the order of the lines");
  o.add("time_unit", time_unit).one_of(time_units()).help("what a number counts since 1970");
  o.add("rating", rating).help("column of ratings, which `min_rating` asks about");
  o.add("items", items)
      .help(
          "table of items; empty: `texts` are columns of `file`, where an item's first line "
          "counts");
  o.add("item_key", item_key)
      .help("column of items in the table of items; empty: called as `item`");
  o.add("texts", texts)
      .help(
          "columns of texts, \"title\" or, as the data set and the file call it, "
          "\"title=product_name\"; none: all columns of the table of items")
      .check([this] { return complaint_about_texts(texts); });
  o.add("catalogue", catalogue)
      .one_of({"events", "file"})
      .help("events: items that have events left; file: all items of the table, in its order")
      .check([this] {
        return catalogue == "file" && items.empty()
                   ? "catalogue = \"file\" needs a table of items; set `items`"
                   : "";
      });
  o.add("encoding", encoding).one_of({"utf8", "latin1"}).help("of both tables");
  cleaning.declare(o);
  preparation.declare(o);
  o.fields().back()->check([this] {
    if (time.empty() && preparation.asks_for_times())
      return "a window (`since`, `until`) needs times; name their column by `time`";
    if (rating.empty() && preparation.asks_for_ratings())
      return "min_rating needs ratings; name their column by `rating`";
    return "";
  });
}

TableFile Csv::table(const std::filesystem::path& file, Context& context) const {
  const char separator = settings_.separator.empty() ? '\0' : settings_.separator.front();
  const Encoding encoding = settings_.encoding == "utf8" ? Encoding::utf8 : Encoding::latin1;
  const bool is_events = file == settings_.file;
  return {file, separator, encoding, context,
          is_events ? settings_.columns : std::vector<std::string>()};
}

const std::string& Csv::item_key() const {
  return settings_.item_key.empty() ? settings_.item : settings_.item_key;
}

NameTable Csv::read_catalogue(Context& context) const {
  TableFile items = table(settings_.items, context);
  return catalogue_of_table(items, items.column(item_key(), "item_key"));
}

Events Csv::read_events(Remarks& remarks, Context& context) const {
  TableFile events = table(settings_.file, context);
  std::function<NameTable()> catalogue;
  if (settings_.catalogue == "file") catalogue = [&] { return read_catalogue(context); };
  return events_of_table(
      events,
      {settings_.user, settings_.item, settings_.time, settings_.rating, settings_.time_unit},
      settings_.preparation, catalogue, remarks);
}

Items Csv::with_texts(const Items& items, Remarks& remarks, Context& context) const {
  const bool is_apart = !settings_.items.empty();
  if (!is_apart && settings_.texts.empty()) return items;
  TableFile file = table(is_apart ? settings_.items : settings_.file, context);
  const std::string& key = is_apart ? item_key() : settings_.item;
  const size_t key_at = file.column(key, is_apart ? "item_key" : "item");
  const std::vector<TextColumn> columns =
      text_columns(settings_.texts, file.header(), key, file.path().string());
  ItemTexts texts(items, names_of(columns), settings_.cleaning);
  if (!is_apart) texts.expect_repeats();
  return texts_of_table(file, key_at, columns, std::move(texts), remarks);
}

Dataset Csv::load(Context& context) {
  Remarks remarks;
  Events events = read_events(remarks, context);
  std::optional<size_t> catalogue;
  if (settings_.catalogue == "file") catalogue = events.items.size();
  Dataset data = settings_.preparation.prepared(
      std::move(events), catalogue, "'" + settings_.file.string() + "'", remarks, context);
  data.items = with_texts(data.items, data.remarks, context);
  return data;
}

}  // namespace tsrec::interactions
