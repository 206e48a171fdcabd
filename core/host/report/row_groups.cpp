#include "report/row_groups.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <map>

#include "pipeline/artefacts.hpp"
#include "pipeline/loaded_model.hpp"
#include "pipeline/row_facts.hpp"
#include "pipeline/target_ranks.hpp"

namespace tsrec::host {
namespace {

constexpr size_t kMostCategories = 8;  // of their own; all others are one group

int64_t num_known_items(const Samples& train, const Samples& rows) {
  int64_t most = 0;
  for (const torch::Tensor* items :
       {&train.target_S, &train.history_H, &rows.target_S, &rows.history_H}) {
    if (items->numel() > 0) most = std::max(most, items->max().item<int64_t>() + 1);
  }
  return most;
}

// The place of each row among the names; names that no row has are left out.
template <class PlaceOf>
RowGroups grouped(const std::string& by, const std::vector<std::string>& names, int64_t num_rows,
                  const PlaceOf& place_of) {
  std::vector<int64_t> place_S, rows_of(names.size(), 0);
  for (int64_t row = 0; row < num_rows; ++row) {
    place_S.push_back(static_cast<int64_t>(place_of(row)));
    ++rows_of[static_cast<size_t>(place_S.back())];
  }
  RowGroups groups;
  groups.by = by;
  std::vector<int64_t> kept(names.size(), -1);
  for (size_t i = 0; i < names.size(); ++i) {
    if (rows_of[i] == 0) continue;
    kept[i] = static_cast<int64_t>(groups.names.size());
    groups.names.push_back(names[i]);
  }
  for (int64_t& place : place_S) place = kept[static_cast<size_t>(place)];
  groups.group_S = torch::tensor(place_S, torch::kInt64);
  return groups;
}

RowGroups by_popularity(const Samples& train, const Samples& rows) {
  const std::vector<Popularity> popularity_N =
      popularity_of_items(train, num_known_items(train, rows));
  return grouped("popularity of the target", {"head", "mid", "tail"}, rows.size(),
                 [&](int64_t row) { return popularity_N[static_cast<size_t>(rows.target(row))]; });
}

// The quarter of the items that each is in by how often it is the target of a training row, the
// most frequent first; 4 where it never is. Equally frequent items are in the quarter where the
// first of them is.
std::vector<size_t> quarter_of_items(const Samples& train, int64_t num_items) {
  std::vector<int64_t> count_N(static_cast<size_t>(num_items), 0);
  for (int64_t row = 0; row < train.size(); ++row)
    ++count_N[static_cast<size_t>(train.target(row))];
  std::map<int64_t, int64_t, std::greater<>> items_of_count;
  for (const int64_t count : count_N) ++items_of_count[count];
  items_of_count.erase(0);
  int64_t all = 0, before = 0;
  for (const auto& [count, items] : items_of_count) all += items;
  std::map<int64_t, size_t> quarter_of_count = {{0, 4}};
  for (const auto& [count, items] : items_of_count) {
    quarter_of_count[count] = static_cast<size_t>(4 * before / all);
    before += items;
  }
  std::vector<size_t> quarter_N;
  for (const int64_t count : count_N) quarter_N.push_back(quarter_of_count.at(count));
  return quarter_N;
}

RowGroups by_quarter(const Samples& train, const Samples& rows) {
  const std::vector<size_t> quarter_N = quarter_of_items(train, num_known_items(train, rows));
  return grouped(
      "popularity of the target among items",
      {"first quarter", "second quarter", "third quarter", "last quarter", "never a target"},
      rows.size(), [&](int64_t row) { return quarter_N[static_cast<size_t>(rows.target(row))]; });
}

RowGroups by_history_length(const Samples& rows) {
  constexpr std::array<size_t, 6> kLast = {0, 2, 5, 10, 20, 50};
  return grouped("length of the history", {"0", "1-2", "3-5", "6-10", "11-20", "21-50", "over 50"},
                 rows.size(), [&](int64_t row) {
                   return std::lower_bound(kLast.begin(), kLast.end(), rows.history(row).size()) -
                          kLast.begin();
                 });
}

RowGroups by_repetition(const Samples& rows) {
  return grouped("target in the history", {"repeat", "new"}, rows.size(),
                 [&](int64_t row) { return is_repeat(rows, row) ? 0 : 1; });
}

RowGroups by_training(const Samples& train, const Samples& rows) {
  const std::vector<bool> is_seen = trained_items(train, num_known_items(train, rows));
  return grouped("target in the training rows", {"seen", "cold"}, rows.size(), [&](int64_t row) {
    return is_seen[static_cast<size_t>(rows.target(row))] ? 0 : 1;
  });
}

RowGroups by_category(const Samples& rows, const std::vector<std::string>& category_N) {
  const auto category_of = [&](int64_t row) {
    const std::string& category = category_N[static_cast<size_t>(rows.target(row))];
    return category.empty() ? "none" : category;
  };
  std::map<std::string, int64_t> rows_of;
  for (int64_t row = 0; row < rows.size(); ++row) ++rows_of[category_of(row)];
  std::vector<std::pair<std::string, int64_t>> largest(rows_of.begin(), rows_of.end());
  std::stable_sort(largest.begin(), largest.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  if (largest.size() > kMostCategories) largest.resize(kMostCategories);
  std::vector<std::string> names;
  std::map<std::string, size_t> place_of;
  for (const auto& [name, count] : largest) {
    place_of[name] = names.size();
    names.push_back(name);
  }
  names.emplace_back("all others");
  return grouped("category of the target", names, rows.size(), [&](int64_t row) {
    const auto place = place_of.find(category_of(row));
    return place == place_of.end() ? names.size() - 1 : place->second;
  });
}

std::vector<std::string> parts_of(const std::string& text) {
  std::vector<std::string> parts;
  size_t at = 0;
  while (at <= text.size() && !text.empty()) {
    const size_t end = std::min(text.find(", ", at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 2;
  }
  return parts;
}

}  // namespace

std::vector<std::string> categories_of(const std::vector<std::string>& text_N) {
  std::vector<std::vector<std::string>> parts_N;
  std::optional<std::vector<std::string>> common;  // what all texts begin with
  for (const std::string& text : text_N) {
    const std::vector<std::string>& parts = parts_N.emplace_back(parts_of(text));
    if (parts.empty()) continue;
    if (!common) common = parts;
    const auto [differs, other] =
        std::mismatch(common->begin(), common->end(), parts.begin(), parts.end());
    common->erase(differs, common->end());
  }
  std::vector<std::string> category_N;
  for (const auto& parts : parts_N) {
    const size_t place = common ? common->size() : 0;
    category_N.push_back(place < parts.size() ? parts[place] : "");
  }
  return category_N;
}

std::vector<RowGroups> row_groups(const Samples& train, const Samples& rows,
                                  const std::vector<std::string>& category_N) {
  std::vector<RowGroups> groups = {by_popularity(train, rows), by_quarter(train, rows),
                                   by_history_length(rows), by_repetition(rows),
                                   by_training(train, rows)};
  if (!category_N.empty()) groups.push_back(by_category(rows, category_N));
  return groups;
}

EvaluatedRows evaluated_rows(const std::filesystem::path& load, const EvaluateSettings& settings) {
  const Split split = settings.split == "valid" ? Split::valid : Split::test;
  std::vector<std::string> text_N = read_column(load, "categories");
  if (text_N.empty()) text_N = read_column(load, "category");
  return {read_split(load, Split::train), limited(read_split(load, split), settings.limit),
          categories_of(text_N)};
}

}  // namespace tsrec::host
