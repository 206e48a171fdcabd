#include "minionerec.hpp"

#include "find_file.hpp"
#include "item_json.hpp"
#include "sid_rows.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::published_files {
namespace {

// User names in the order of their first appearance over train, valid and test.
using UserNumbers = std::map<std::string, int64_t>;

// The rows are already split and in time order; their number stands for the time.
Samples read_rows(const std::filesystem::path& file, const Items& items, int64_t max_history,
                  UserNumbers& users, int64_t& next_time) {
  const io::Csv csv = io::read_csv(file);
  const auto user_at = static_cast<size_t>(csv.column("user_id"));
  const auto history_at = static_cast<size_t>(csv.column("history_item_id"));
  const auto target_at = static_cast<size_t>(csv.column("item_id"));
  SamplesBuilder samples;
  for (size_t r = 0; r < csv.rows.size(); ++r) {
    const std::string where = c10::str(csv.file, ":", csv.line[r], ": ");
    std::vector<int64_t> history;
    try {
      for (const std::string& item : io::parse_list_literal(csv.rows[r][history_at])) {
        history.push_back(item_named(items, item, where));
      }
    } catch (const DataError& error) {
      const std::string sentence = error.what();
      throw DataError(sentence.starts_with(where) ? sentence
                                                  : where + "history_item_id: " + sentence);
    }
    if (history.empty())
      throw DataError(where, "the history is empty; every row needs at least one earlier item");
    if (static_cast<int64_t>(history.size()) > max_history)
      history.erase(history.begin(), history.end() - max_history);
    const int64_t user =
        users.emplace(csv.rows[r][user_at], static_cast<int64_t>(users.size())).first->second;
    samples.add(user, history, item_named(items, csv.rows[r][target_at], where), next_time++);
  }
  return samples.build();
}

struct InfoLine {
  std::string sid, title, key;
  int64_t line = 0;
};

// info/: SID, title and key of every item, separated by tabs.
std::vector<InfoLine> read_info(const std::filesystem::path& file) {
  std::istringstream lines(io::read_text(file));
  std::vector<InfoLine> info;
  std::map<std::string, int64_t> line_of;
  int64_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.ends_with('\r')) line.pop_back();
    const size_t first = line.find('\t'), last = line.rfind('\t');
    if (first == std::string::npos || first == last)
      throw DataError(file.string(), ":", number, ": expected 'SID<tab>title<tab>key of the item'");
    info.push_back({line.substr(0, first), line.substr(first + 1, last - first - 1),
                    line.substr(last + 1), number});
    const auto [before, is_new] = line_of.emplace(info.back().key, number);
    if (!is_new)
      throw DataError(file.string(), ":", number, ": item '", before->first,
                      "' was listed in line ", before->second,
                      " already; expected every item once");
  }
  if (info.empty()) throw DataError("'", file.string(), "' is empty");
  return info;
}

Items items_of(const std::vector<InfoLine>& info, const Reading& reading,
               std::map<std::string, int64_t>& remarks) {
  std::vector<std::string> keys, titles;
  for (const InfoLine& line : info) keys.push_back(line.key);
  const std::vector<size_t> order = item_order(keys);
  for (size_t item = 0; item < order.size(); ++item) {
    keys[item] = info[order[item]].key;
    titles.push_back(reading.cleaned(info[order[item]].title, "title", remarks));
  }
  Items items(keys);
  items.set("title", titles);
  return items;
}

SidTable sids_of(const std::filesystem::path& file, const Items& items, const Reading& reading) {
  SidRows rows(items, SidSpelling(reading.sid_format));
  for (const InfoLine& line : read_info(file))
    rows.add(line.key, line.sid, c10::str(file.string(), ":", line.line, ": "));
  return rows.table(file);
}

}  // namespace

std::optional<std::filesystem::path> MiniOneRec::file_in(const char* folder,
                                                         const char* ending) const {
  const std::filesystem::path place = settings_.folder / folder;
  if (!std::filesystem::is_directory(place)) return std::nullopt;
  return find_file(place, ending, settings_.reading.dataset);
}

Dataset MiniOneRec::load(Context& context) {
  const Reading& reading = settings_.reading;
  Dataset data;
  const auto info = file_in("index", ".item.json") ? std::nullopt : file_in("info", ".txt");
  data.items =
      info ? items_of(read_info(*info), reading, data.remarks)
           : read_items(required_file(settings_.folder / "index", ".item.json", reading.dataset),
                        reading, data.remarks);
  UserNumbers users;
  int64_t next_time = 0;
  const auto rows = [&](const char* part) {
    return read_rows(required_file(settings_.folder / part, ".csv", reading.dataset), data.items,
                     settings_.max_history, users, next_time);
  };
  data.train = rows("train");
  data.valid = rows("valid");
  data.test = rows("test");
  context.log(Level::info, c10::str(data.train.size(), " / ", data.valid.size(), " / ",
                                    data.test.size(), " rows of ", users.size(), " users"));
  return data;
}

std::optional<SidTable> MiniOneRec::sids(const Items& items, Context&) {
  const Reading& reading = settings_.reading;
  if (!settings_.index.empty()) return read_index(settings_.index, items, reading);
  if (const auto index = file_in("index", ".index.json")) return read_index(*index, items, reading);
  if (const auto info = file_in("info", ".txt")) return sids_of(*info, items, reading);
  return std::nullopt;
}

}  // namespace tsrec::published_files
