#include "minionerec.hpp"

#include "item_json.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::published_files {
namespace {

// User names in the order of their first appearance over train, valid and test.
using UserNumbers = std::map<std::string, int64_t>;

// The rows are already split and in time order; their number stands for the time.
Samples read_rows(const std::filesystem::path& file, int64_t num_items, int64_t max_history,
                  UserNumbers& users, int64_t& next_time) {
  const io::Csv csv = io::read_csv(file);
  const auto user_at = static_cast<size_t>(csv.column("user_id"));
  const auto history_at = static_cast<size_t>(csv.column("history_item_id"));
  const auto target_at = static_cast<size_t>(csv.column("item_id"));
  SamplesBuilder samples;
  for (size_t r = 0; r < csv.rows.size(); ++r) {
    const std::string where = c10::str(csv.file, ":", csv.line[r]);
    std::vector<int64_t> history;
    try {
      for (const std::string& item : io::parse_list_literal(csv.rows[r][history_at])) {
        history.push_back(item_number(item, num_items, where));
      }
    } catch (const DataError& error) {
      const std::string sentence = error.what();
      throw DataError(sentence.starts_with(where) ? sentence
                                                  : where + ": history_item_id: " + sentence);
    }
    if (history.empty())
      throw DataError(where, ": the history is empty; every row needs at least one earlier item");
    if (static_cast<int64_t>(history.size()) > max_history)
      history.erase(history.begin(), history.end() - max_history);
    const int64_t user =
        users.emplace(csv.rows[r][user_at], static_cast<int64_t>(users.size())).first->second;
    samples.add(user, history, item_number(csv.rows[r][target_at], num_items, where), next_time++);
  }
  return samples.build();
}

struct InfoLine {
  std::string sid, title;
};

// info/: SID, title and item number of every item, separated by tabs.
std::vector<InfoLine> read_info(const std::filesystem::path& file) {
  std::istringstream lines(io::read_text(file));
  std::vector<InfoLine> info;
  int64_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.ends_with('\r')) line.pop_back();
    const size_t first = line.find('\t'), last = line.rfind('\t');
    if (first == std::string::npos || first == last ||
        line.substr(last + 1) != std::to_string(info.size())) {
      throw DataError(file.string(), ":", number, ": expected 'SID<tab>title<tab>", info.size(),
                      "'");
    }
    info.push_back({line.substr(0, first), line.substr(first + 1, last - first - 1)});
  }
  if (info.empty()) throw DataError("'", file.string(), "' is empty");
  return info;
}

Items items_of(const std::vector<InfoLine>& info) {
  std::vector<std::string> keys, titles;
  for (const InfoLine& line : info) {
    keys.push_back(std::to_string(keys.size()));
    titles.push_back(line.title);
  }
  Items items(keys);
  items.set("title", titles);
  return items;
}

SidTable sids_of(const std::vector<InfoLine>& info, const std::filesystem::path& file) {
  std::vector<std::vector<int64_t>> codes;
  size_t num_levels = 0;
  for (const InfoLine& line : info) {
    auto& sid = codes.emplace_back();
    for (size_t at = 0; at < line.sid.size();) {
      const size_t end = line.sid.find('>', at);
      const LevelCode parsed =
          parse_sid_token(line.sid.substr(at, end == std::string::npos ? end : end + 1 - at));
      if (parsed.level != static_cast<int64_t>(sid.size())) {
        throw DataError("'", file.string(), "': the SID '", line.sid,
                        "' has its levels out of order");
      }
      sid.push_back(parsed.code);
      at = end + 1;
    }
    num_levels = std::max(num_levels, sid.size());
  }
  SidTable sids;
  sids.sizes.assign(num_levels, 0);
  sids.code_NL = torch::full({static_cast<int64_t>(codes.size()), static_cast<int64_t>(num_levels)},
                             -1, torch::kInt64);
  for (size_t item = 0; item < codes.size(); ++item) {
    for (size_t level = 0; level < codes[item].size(); ++level) {
      sids.code_NL[static_cast<int64_t>(item)][static_cast<int64_t>(level)] = codes[item][level];
      sids.sizes[level] = std::max(sids.sizes[level], codes[item][level] + 1);
    }
  }
  return sids;
}

}  // namespace

Dataset MiniOneRec::load(Context& context) {
  Dataset data;
  const std::filesystem::path index_folder = settings_.folder / "index";
  const bool has_index = std::filesystem::is_directory(index_folder);
  std::filesystem::path info_file;
  std::vector<InfoLine> info;
  if (!has_index) {
    info_file = required_file(settings_.folder / "info", ".txt");
    info = read_info(info_file);
  }
  data.items = has_index ? read_items(required_file(index_folder, ".item.json")) : items_of(info);
  if (!settings_.index.empty()) {
    data.sids = read_index(settings_.index, data.items.size());
  } else {
    data.sids = has_index
                    ? read_index(required_file(index_folder, ".index.json"), data.items.size())
                    : sids_of(info, info_file);
  }
  UserNumbers users;
  int64_t next_time = 0;
  const auto rows = [&](const char* part) {
    return read_rows(required_file(settings_.folder / part, ".csv"), data.items.size(),
                     settings_.max_history, users, next_time);
  };
  data.train = rows("train");
  data.valid = rows("valid");
  data.test = rows("test");
  context.log(Level::info, c10::str(data.train.size(), " / ", data.valid.size(), " / ",
                                    data.test.size(), " rows of ", users.size(), " users"));
  return data;
}

}  // namespace tsrec::published_files
