// Sources in tests: loaded, and looked at as plain values.
#pragma once

#include "support/support.hpp"
#include "tsrec/parts/source.hpp"

namespace tsrec::test {

inline Dataset loaded(const std::string& part, const OptionTexts& options) {
  TestContext context;
  return make_part<Source>(part, context, options)->load(context);
}

// One row, with items by their keys.
struct PlainRow {
  int64_t user;
  std::vector<std::string> history;
  std::string target;
  int64_t time;
  bool operator==(const PlainRow&) const = default;
};

inline std::vector<PlainRow> plain(const Samples& samples, const Items& items) {
  std::vector<PlainRow> rows;
  for (int64_t row = 0; row < samples.size(); ++row) {
    PlainRow plain_row{
        samples.user(row), {}, items.key(samples.target(row)), samples.time_S[row].item<int64_t>()};
    for (const int64_t item : samples.history(row)) plain_row.history.push_back(items.key(item));
    rows.push_back(plain_row);
  }
  return rows;
}

inline std::ostream& operator<<(std::ostream& out, const PlainRow& row) {
  out << "user " << row.user << ":";
  for (const std::string& item : row.history) out << ' ' << item;
  return out << " -> " << row.target << " at " << row.time;
}

inline std::vector<std::string> plain_keys(const Items& items) {
  std::vector<std::string> keys;
  for (int64_t item = 0; item < items.size(); ++item) keys.push_back(items.key(item));
  return keys;
}

// The sentence that refuses to load.
inline std::string refusal(const std::string& part, const OptionTexts& options) {
  return message_of<Error>([&] { loaded(part, options); });
}

}  // namespace tsrec::test
