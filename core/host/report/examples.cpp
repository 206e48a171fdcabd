#include "report/examples.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "report/depth.hpp"
#include "report/one_line.hpp"
#include "tsrec/evenly_spaced.hpp"

namespace tsrec::host {
namespace {

constexpr int64_t kEven = 4;
constexpr size_t kMostDiffering = 2;  // of gains, and of losses
constexpr size_t kShownHistory = 10, kShownList = 5;

std::span<const int64_t> list_of(const Column& column, int64_t row) {
  const torch::Tensor& item_SM = column.stored.listed->item_SM;
  const auto places = static_cast<size_t>(item_SM.size(1));
  return {item_SM.const_data_ptr<int64_t>() + row * item_SM.size(1), places};
}

// Where the evaluation knows it (items of one SID share their places), else the item's own place.
int64_t rank_of(const Column& column, int64_t row, int64_t target) {
  if (column.stored.target_ranks)
    return column.stored.target_ranks->rank_S.const_data_ptr<int64_t>()[row];
  const auto listed = list_of(column, row);
  const auto found = std::find(listed.begin(), listed.end(), target);
  return found == listed.end() ? 0 : found - listed.begin() + 1;
}

double reciprocal(int64_t rank) { return rank > 0 ? 1 / static_cast<double>(rank) : 0; }

struct ChosenRow {
  int64_t row = 0;
  std::string why;
};

// Rows by how much higher the target stands in the later model's list, the highest first.
std::vector<std::pair<double, int64_t>> gains(const Column& before, const Column& after,
                                              const Samples& rows) {
  std::vector<std::pair<double, int64_t>> gains;
  for (int64_t row = 0; row < rows.size(); ++row) {
    const int64_t target = rows.target(row);
    gains.emplace_back(
        reciprocal(rank_of(after, row, target)) - reciprocal(rank_of(before, row, target)), row);
  }
  std::stable_sort(gains.begin(), gains.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  return gains;
}

std::vector<ChosenRow> chosen_rows(const Column* before, const Column* after, const Samples& rows) {
  std::vector<ChosenRow> chosen;
  std::set<int64_t> taken;
  for (const int64_t row : evenly_spaced(rows.size(), std::min(rows.size(), kEven))) {
    taken.insert(row);
    chosen.push_back({row, "even"});
  }
  if (before == nullptr || after == nullptr) return chosen;
  auto by_gain = gains(*before, *after, rows);
  const auto take = [&](const std::string& why, double sign) {
    size_t count = 0;
    for (const auto& [gain, row] : by_gain) {
      if (count == kMostDiffering || sign * gain <= 0) break;
      if (!taken.insert(row).second) continue;
      chosen.push_back({row, why});
      ++count;
    }
  };
  take("higher", 1);
  // From the other end, where of equal rows the first comes first as well.
  std::stable_sort(by_gain.begin(), by_gain.end(), [](const auto& a, const auto& b) {
    return a.first < b.first || (a.first == b.first && a.second < b.second);
  });
  take("lower", -1);
  return chosen;
}

ExampleUsers::User user_of(const ChosenRow& chosen, const Samples& rows, const SidTable* sids,
                           const std::vector<const Column*>& columns) {
  ExampleUsers::User user;
  user.row = chosen.row;
  user.user = rows.user(chosen.row);
  user.chosen = chosen.why;
  user.target = rows.target(chosen.row);
  const auto history = rows.history(chosen.row);
  const size_t shown = std::min(history.size(), kShownHistory);
  user.earlier = static_cast<int64_t>(history.size() - shown);
  user.history.assign(history.end() - static_cast<std::ptrdiff_t>(shown), history.end());
  for (const int64_t item : sids != nullptr ? history : std::span<const int64_t>()) {
    const int64_t shared = shared_codes(*sids, item, user.target);
    if (shared == 0 || shared < user.shared) continue;
    user.shared = shared;
    user.nearest = item;
  }
  for (const Column* column : columns) {
    ExampleUsers::List& list = user.lists.emplace_back();
    list.of = column->name;
    list.is_model = column->is_model;
    list.rank = rank_of(*column, chosen.row, user.target);
    for (const int64_t item : list_of(*column, chosen.row)) {
      if (item < 0) continue;
      if (list.items.size() == kShownList) break;
      list.items.push_back(item);
      if (sids != nullptr) list.shared.push_back(shared_codes(*sids, item, user.target));
    }
  }
  return user;
}

}  // namespace

ExampleUsers example_users(const Dataset& data, const SidTable* sids,
                           const std::vector<Column>& columns) {
  ExampleUsers examples;
  std::vector<const Column*> listed;
  const Column *before = nullptr, *after = nullptr;
  for (const Column& column : columns) {
    if (!column.stored.listed) continue;
    listed.push_back(&column);
    const Column* from = column_of(columns, column.from);
    if (from == nullptr || !from->stored.listed) continue;
    before = from;
    after = &column;
  }
  if (listed.empty()) return examples;
  const StoredNumbers& stored = listed.front()->stored;
  const Samples rows = listed_rows(data, *stored.listed, stored.user_S);
  examples.split = stored.listed->split;
  examples.rows = rows.size();
  if (after != nullptr) {
    examples.before = before->name;
    examples.after = after->name;
  }
  for (const ChosenRow& chosen : chosen_rows(before, after, rows))
    examples.users.push_back(user_of(chosen, rows, sids, listed));
  return examples;
}

nlohmann::ordered_json examples_json(const ExampleUsers& examples, const Items& items,
                                     const SidTable* sids, const std::vector<TokenNote>& notes) {
  using nlohmann::ordered_json;
  if (examples.users.empty()) return nullptr;
  std::set<int64_t> shown;
  ordered_json users = ordered_json::array();
  for (const ExampleUsers::User& user : examples.users) {
    shown.insert(user.history.begin(), user.history.end());
    shown.insert(user.target);
    if (user.nearest >= 0) shown.insert(user.nearest);
    ordered_json lists = ordered_json::array();
    for (const ExampleUsers::List& list : user.lists) {
      shown.insert(list.items.begin(), list.items.end());
      lists.push_back({{"of", list.of},
                       {"is_model", list.is_model},
                       {"rank", list.rank},
                       {"items", list.items},
                       {"shared", list.shared}});
    }
    users.push_back({{"row", user.row},
                     {"user", user.user},
                     {"chosen", user.chosen},
                     {"history", user.history},
                     {"earlier", user.earlier},
                     {"target", user.target},
                     {"nearest", user.nearest},
                     {"shared", user.shared},
                     {"lists", std::move(lists)}});
  }
  const Keywords all = keywords_of(notes);
  ordered_json by_item = ordered_json::object(), keywords = ordered_json::object();
  for (const int64_t item : shown) {
    ordered_json& entry = by_item[std::to_string(item)];
    entry = {{"title", shown_title(items, item, /*most=*/60)}, {"sid", ordered_json::array()}};
    for (int64_t level = 0; sids != nullptr && level < sids->num_levels(); ++level) {
      const int64_t code = sids->code_NL[item][level].item<int64_t>();
      if (code < 0) break;
      const std::string token = sids->spelling.token(level, code);
      entry["sid"].push_back(token);
      if (const auto found = all.find(token); found != all.end()) keywords[token] = found->second;
    }
  }
  return {{"split", name(examples.split)}, {"rows", examples.rows},
          {"before", examples.before},     {"after", examples.after},
          {"items", std::move(by_item)},   {"keywords", std::move(keywords)},
          {"users", std::move(users)}};
}

}  // namespace tsrec::host
