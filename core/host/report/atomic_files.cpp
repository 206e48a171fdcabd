#include "report/atomic_files.hpp"

#include <algorithm>

#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

void refuse_unwritable_keys(const Items& items) {
  for (int64_t item = 0; item < items.size(); ++item) {
    const std::string& key = items.key(item);
    if (key.empty() || key.front() == '"' || key.find_first_of(" \t\r\n") != std::string::npos)
      throw DataError(
          "the item '", key,
          "' cannot be written: in RecBole's lists of items a blank comes between them, "
          "and a quote begins a quoted field; give the source keys without blanks and "
          "quotes");
  }
}

// As a field between tabs.
std::string field(std::string_view text) {
  if (!text.starts_with('"') && text.find_first_of("\t\r\n") == std::string_view::npos)
    return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

std::string item_lines(const Items& items) {
  const std::vector<std::string> columns = items.columns();
  std::string lines = "item_id:token";
  for (const std::string& column : columns) lines += "\t" + column + ":token";
  lines += '\n';
  for (int64_t item = 0; item < items.size(); ++item) {
    lines += items.key(item);
    for (const std::string& column : columns) lines += '\t' + field(items.text(column, item));
    lines += '\n';
  }
  return lines;
}

int64_t time_of(const Samples& samples, int64_t row) {
  return samples.time_S.const_data_ptr<int64_t>()[row];
}

std::string row_lines(const Samples& samples, const Items& items) {
  std::string lines = "user_id:token\titem_id_list:token_seq\titem_id:token\ttimestamp:float\n";
  for (int64_t row = 0; row < samples.size(); ++row) {
    lines += std::to_string(samples.user(row));
    char before = '\t';
    for (const int64_t item : samples.history(row)) {
      lines += before + items.key(item);
      before = ' ';
    }
    lines +=
        '\t' + items.key(samples.target(row)) + '\t' + std::to_string(time_of(samples, row)) + '\n';
  }
  return lines;
}

struct Place {
  const Samples* samples;
  int64_t row;
};

// All rows, user by user, and within a user by time; equal times in the order of the splits.
std::vector<Place> rows_by_user(const Dataset& data) {
  std::vector<Place> rows;
  for (const Split split : {Split::train, Split::valid, Split::test}) {
    const Samples& samples = data.split(split);
    for (int64_t row = 0; row < samples.size(); ++row) rows.push_back({&samples, row});
  }
  std::stable_sort(rows.begin(), rows.end(), [](const Place& a, const Place& b) {
    const auto rank = [](const Place& place) {
      return std::pair(place.samples->user(place.row), time_of(*place.samples, place.row));
    };
    return rank(a) < rank(b);
  });
  return rows;
}

// The lines, and how many events they hold.
std::pair<std::string, int64_t> event_lines(const Dataset& data) {
  std::string lines = "user_id:token\titem_id:token\ttimestamp:float\n";
  int64_t events = 0, user_before = -1;
  for (const auto& [samples, row] : rows_by_user(data)) {
    const int64_t user = samples->user(row), time = time_of(*samples, row);
    const auto add = [&, user, time](int64_t item) {
      lines += c10::str(user, '\t', data.items.key(item), '\t', time, '\n');
      ++events;
    };
    if (user != user_before) {
      for (const int64_t item : samples->history(row)) add(item);
    }
    user_before = user;
    add(samples->target(row));
  }
  return {lines, events};
}

}  // namespace

int64_t write_atomic_files(const Dataset& data, const std::filesystem::path& folder,
                           const std::string& name) {
  refuse_unwritable_keys(data.items);
  const auto write = [&](const std::string& ending, const std::string& lines) {
    io::write_text(folder / (name + ending), lines);
  };
  write(".item", item_lines(data.items));
  for (const Split split : {Split::train, Split::valid, Split::test})
    write(c10::str(".", tsrec::name(split), ".inter"), row_lines(data.split(split), data.items));
  const auto [lines, events] = event_lines(data);
  write(".inter", lines);
  return events;
}

}  // namespace tsrec::host
