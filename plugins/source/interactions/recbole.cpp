#include "recbole.hpp"

#include <algorithm>
#include <cstring>
#include <set>

#include "event_table.hpp"
#include "times.hpp"
#include "tsrec/suggest.hpp"

namespace tsrec::interactions {
namespace {

constexpr std::array<const char*, 3> kSplitEndings = {".train.inter", ".valid.inter",
                                                      ".test.inter"};

struct AtomicHeader {
  std::vector<std::string> names, of_numbers;  // the second: columns of sequences of numbers
};

// "user_id:token" -> "user_id".
AtomicHeader read_header(const TableFile& file) {
  AtomicHeader header;
  for (const std::string& column : file.header()) {
    const size_t colon = column.rfind(':');
    const std::string type = colon == std::string::npos ? "" : column.substr(colon + 1);
    const std::set<std::string> types = {"token", "token_seq", "float", "float_seq"};
    if (!types.contains(type))
      throw DataError(file.place(), "the header has '", column,
                      "'; expected NAME:TYPE for each column, with tabs between them, and of the "
                      "types token, token_seq, float and float_seq");
    header.names.push_back(column.substr(0, colon));
    if (type == "float_seq") header.of_numbers.push_back(header.names.back());
  }
  return header;
}

// Names separated by blanks, the last `most` of them.
std::vector<std::string_view> last_names(std::string_view list, int64_t most) {
  std::vector<std::string_view> names;
  while (!(list = trimmed(list)).empty()) {
    const size_t length = std::min(list.find(' '), list.size());
    names.push_back(list.substr(0, length));
    list.remove_prefix(length);
  }
  if (static_cast<int64_t>(names.size()) > most) names.erase(names.begin(), names.end() - most);
  return names;
}

// The rows of the three files, which share users and items.
class SplitReader {
 public:
  SplitReader(NameTable items, bool is_whole_catalogue, int64_t max_history)
      : items_(std::move(items)), is_whole_(is_whole_catalogue), max_history_(max_history) {}

  Samples read(TableFile& file, const RecBoleSettings& settings) {
    const size_t user = file.column(settings.user, "user");
    const size_t item = file.column(settings.item, "item");
    const size_t list = file.column(settings.item + "_list");
    const auto time = settings.time.empty() ? std::nullopt : file.find(settings.time);
    SamplesBuilder samples;
    while (file.next()) {
      std::vector<int64_t> history;
      for (const std::string_view name : last_names(file.field(list), max_history_))
        history.push_back(item_named(name, file));
      if (history.empty())
        throw DataError(file.place(), "the history is empty; every row needs an earlier item");
      const std::string_view user_name = trimmed(file.field(user));
      if (is_missing(user_name))
        throw DataError(file.place(), "the row names no user; every row needs one");
      samples.add(users_.number(user_name), history, item_named(trimmed(file.field(item)), file),
                  time ? time_of(file, *time, settings.time_unit) : next_time_++);
    }
    return samples.build();
  }
  std::vector<std::string> keys() const {
    std::vector<std::string> keys;
    for (uint32_t item = 0; item < items_.size(); ++item) keys.emplace_back(items_.name(item));
    return keys;
  }

 private:
  int64_t item_named(std::string_view name, const TableFile& file) {
    if (is_missing(name))
      throw DataError(file.place(), "the row names no item; every row needs one");
    if (!is_whole_) return items_.number(name);
    if (const auto item = items_.find(name)) return *item;
    throw DataError(file.place(), "'", name, "' is no item; expected one of the ", items_.size(),
                    " in the .item file, such as '", items_.name(0), "'");
  }
  static int64_t time_of(const TableFile& file, size_t column, const std::string& unit) {
    const auto time = milliseconds_of(trimmed(file.field(column)), unit);
    if (!time)
      throw DataError(file.place(), "'", file.field(column), "' is no time; expected a number of ",
                      unit, " since 1970, or a date");
    return *time >= 0 ? *time / 1000 : -((999 - *time) / 1000);
  }

  NameTable users_, items_;
  bool is_whole_;
  int64_t max_history_, next_time_ = 0;
};

}  // namespace

void RecBoleSettings::declare(Options& o) {
  o.add("folder", folder)
      .required()
      .help("folder with NAME.inter and, where there is one, NAME.item");
  o.add("dataset", dataset)
      .help("NAME, where the folder holds several data sets; empty: the only one");
  o.add("user", user).help("field of users");
  o.add("item", item)
      .help("field of items; in rows that are split already, histories are ITEM_list");
  o.add("time", time).help("field of times; empty: the order of the lines");
  o.add("time_unit", time_unit).one_of(time_units()).help("what a number counts since 1970");
  o.add("rating", rating).help("field of ratings, which `min_rating` asks about");
  o.add("texts", texts)
      .help(
          "fields of texts, \"title\" or, as the data set and the file call it, "
          "\"title=movie_title\"; none: all of the .item file but sequences of numbers")
      .check([this] { return complaint_about_texts(texts); });
  o.add("catalogue", catalogue)
      .one_of({"events", "file"})
      .help(
          "events: items that have events left; file: all items of the .item file, in its order, "
          "as always where split = \"files\"");
  o.add("encoding", encoding).one_of({"utf8", "latin1"}).help("of the files");
  cleaning.declare(o);
  preparation.declare(o, {"files"});
  o.fields().back()->check([this] {
    if (time.empty() && preparation.asks_for_times())
      return "a window (`since`, `until`) needs times; name their field by `time`";
    if (rating.empty() && preparation.asks_for_ratings())
      return "min_rating needs ratings; name their field by `rating`";
    if (preparation.split == "files" && preparation.leaves_out())
      return "split = \"files\" takes the rows as they are; leave out since, until, min_rating, "
             "duplicates, k_user and k_item, or split NAME.inter here";
    return "";
  });
}

std::string RecBole::dataset_name() const {
  const std::filesystem::path& folder = settings_.folder;
  if (!std::filesystem::is_directory(folder))
    throw DataError("there is no folder '", folder.string(),
                    "'; set the source's `folder` to where the atomic files lie");
  const bool wants_files = settings_.preparation.split == "files";
  std::set<std::string> names, others;  // with the files that the split asks for, and without
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string file = entry.path().filename().string();
    if (file.starts_with('.') || !file.ends_with(".inter")) continue;
    bool is_part = false;
    for (const std::string ending : kSplitEndings) {
      if (!file.ends_with(ending)) continue;
      is_part = true;
      (wants_files ? names : others).insert(file.substr(0, file.size() - ending.size()));
    }
    if (!is_part)
      (wants_files ? others : names).insert(file.substr(0, file.size() - std::strlen(".inter")));
  }
  const std::string& asked = settings_.dataset;
  if (names.contains(asked)) return asked;
  if (asked.empty() && names.size() == 1) return *names.begin();
  const std::string what = wants_files ? "NAME.train.inter" : "NAME.inter";
  const std::string holds = "'" + folder.string() + "' holds ";
  if (names.empty() && !others.empty())
    throw DataError(holds, "no ", what, ", but ", wants_files ? "NAME.inter" : "NAME.train.inter",
                    " of '", *others.begin(), "'; set split = \"",
                    wants_files ? "leave_one_out" : "files", "\" for it");
  if (names.empty())
    throw DataError(holds, "no ", what, "; set `folder` to where RecBole's atomic files lie");
  const std::vector<std::string> known(names.begin(), names.end());
  if (asked.empty())
    throw DataError(holds, names.size(), " data sets, ", c10::Join(", ", known),
                    "; choose one by the source's `dataset`");
  throw DataError(holds, "no ", what, " of the data set that the source's `dataset` says, '", asked,
                  "'", suggest(asked, known));
}

std::filesystem::path RecBole::file(const char* ending) const {
  return settings_.folder / (dataset_name() + ending);
}

TableFile RecBole::table(const std::filesystem::path& path, Context& context) const {
  return {path, '\t', settings_.encoding == "utf8" ? Encoding::utf8 : Encoding::latin1, context};
}

bool RecBole::has_items() const { return std::filesystem::exists(file(".item")); }

NameTable RecBole::read_catalogue(Context& context) const {
  TableFile items = table(file(".item"), context);
  items.rename(read_header(items).names);
  NameTable keys = catalogue_of_table(items, items.column(settings_.item, "item"));
  if (keys.size() == 0)
    throw DataError("'", items.path().string(),
                    "' holds no items; expected a line for each, or no such file");
  return keys;
}

Events RecBole::read_events(Remarks& remarks, Context& context) const {
  std::function<NameTable()> catalogue;
  if (settings_.catalogue == "file") catalogue = [&] { return read_catalogue(context); };
  if (catalogue && !has_items())
    throw DataError("catalogue = \"file\" needs '", file(".item").string(),
                    "', and there is none; bring it, or set catalogue = \"events\"");
  TableFile events = table(file(".inter"), context);
  events.rename(read_header(events).names);
  return events_of_table(
      events,
      {settings_.user, settings_.item, settings_.time, settings_.rating, settings_.time_unit},
      settings_.preparation, catalogue, remarks);
}

Items RecBole::with_texts(const Items& items, Remarks& remarks, Context& context) const {
  if (!has_items()) {
    if (!settings_.texts.empty())
      throw DataError("the source's `texts` names columns of '", file(".item").string(),
                      "', and there is no such file; bring it, or leave `texts` out");
    return items;
  }
  TableFile table_of_items = table(file(".item"), context);
  const AtomicHeader header = read_header(table_of_items);
  table_of_items.rename(header.names);
  const size_t key = table_of_items.column(settings_.item, "item");
  std::vector<TextColumn> columns =
      text_columns(settings_.texts, header.names, settings_.item, table_of_items.path().string());
  if (settings_.texts.empty())
    std::erase_if(columns, [&](const TextColumn& column) {
      return std::find(header.of_numbers.begin(), header.of_numbers.end(), column.in_file) !=
             header.of_numbers.end();
    });
  return texts_of_table(table_of_items, key, columns,
                        ItemTexts(items, names_of(columns), settings_.cleaning), remarks);
}

Dataset RecBole::split_here(Context& context) const {
  Remarks remarks;
  Events events = read_events(remarks, context);
  std::optional<size_t> catalogue;
  if (settings_.catalogue == "file") catalogue = events.items.size();
  return settings_.preparation.prepared(std::move(events), catalogue,
                                        "'" + file(".inter").string() + "'", remarks, context);
}

Dataset RecBole::split_in_files(Context& context) const {
  SplitReader reader(has_items() ? read_catalogue(context) : NameTable(), has_items(),
                     settings_.preparation.max_history);
  const auto read = [&](const char* ending) {
    TableFile rows = table(file(ending), context);
    rows.rename(read_header(rows).names);
    return reader.read(rows, settings_);
  };
  Dataset data;
  data.train = read(kSplitEndings[0]);
  data.valid = read(kSplitEndings[1]);
  data.test = read(kSplitEndings[2]);
  if (data.train.size() == 0 || data.test.size() == 0)
    throw DataError("the files of '", dataset_name(), "' hold ", data.train.size(),
                    " rows to train and ", data.test.size(), " to test on; both need some");
  data.items = Items(reader.keys());
  return data;
}

Dataset RecBole::load(Context& context) {
  Dataset data =
      settings_.preparation.split == "files" ? split_in_files(context) : split_here(context);
  data.items = with_texts(data.items, data.remarks, context);
  return data;
}

}  // namespace tsrec::interactions
