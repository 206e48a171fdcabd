#include "report/data_report.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "report/one_line.hpp"
#include "report/table.hpp"
#include "support/number_text.hpp"
#include "tsrec/text/words.hpp"

namespace tsrec::host {
namespace {

using Texts = std::unordered_map<std::string_view, int64_t>;  // how many items have each

Texts texts_of(const Items& items, const std::string& column) {
  Texts count;
  for (int64_t item = 0; item < items.size(); ++item) {
    if (const std::string_view text = items.text(column, item); !text.empty()) ++count[text];
  }
  return count;
}

ColumnFacts facts_of(const Items& items, const std::string& column) {
  ColumnFacts facts;
  facts.name = column;
  int64_t words = 0;
  for (int64_t item = 0; item < items.size(); ++item) {
    const std::string_view text = items.text(column, item);
    if (text.empty()) continue;
    if (facts.filled++ == 0) facts.example = text;
    words += static_cast<int64_t>(text::words_of(text).size());
  }
  facts.distinct = static_cast<int64_t>(texts_of(items, column).size());
  if (facts.filled > 0)
    facts.mean_words = static_cast<double>(words) / static_cast<double>(facts.filled);
  return facts;
}

// Items that a row holds, as target or in its history.
std::unordered_set<int64_t> items_of(const Samples& samples) {
  std::unordered_set<int64_t> items;
  for (int64_t row = 0; row < samples.size(); ++row) {
    items.insert(samples.target(row));
    const auto history = samples.history(row);
    items.insert(history.begin(), history.end());
  }
  return items;
}

double median_of(std::vector<int64_t> sorted) {
  std::sort(sorted.begin(), sorted.end());
  const size_t half = sorted.size() / 2;
  const auto upper = static_cast<double>(sorted[half]);
  return sorted.size() % 2 == 1 ? upper : (static_cast<double>(sorted[half - 1]) + upper) / 2;
}

SplitFacts facts_of(Split split, const Samples& samples,
                    const std::unordered_set<int64_t>& trained) {
  SplitFacts facts;
  facts.split = split;
  facts.rows = samples.size();
  std::unordered_set<int64_t> users, targets;
  std::vector<int64_t> lengths;
  for (int64_t row = 0; row < samples.size(); ++row) {
    const auto history = samples.history(row);
    const int64_t target = samples.target(row);
    users.insert(samples.user(row));
    targets.insert(target);
    lengths.push_back(static_cast<int64_t>(history.size()));
    facts.unseen += trained.contains(target) ? 0 : 1;
    facts.in_history += std::find(history.begin(), history.end(), target) != history.end() ? 1 : 0;
  }
  facts.users = static_cast<int64_t>(users.size());
  facts.targets = static_cast<int64_t>(targets.size());
  if (lengths.empty()) return facts;
  const auto [least, most] = std::minmax_element(lengths.begin(), lengths.end());
  facts.shortest = *least;
  facts.longest = *most;
  facts.median = median_of(lengths);
  facts.mean = static_cast<double>(samples.history_H.size(0)) / static_cast<double>(lengths.size());
  return facts;
}

std::string columns_text(const DataReport& report) {
  std::vector<std::vector<std::string>> rows = {
      {"column", "filled", "distinct", "words", "example"}};
  for (const ColumnFacts& column : report.columns) {
    rows.push_back({column.name, std::to_string(column.filled), std::to_string(column.distinct),
                    fixed(column.mean_words, 1), one_line(column.example)});
  }
  std::string text = table_text(rows);
  for (const auto& [name, shape] : report.tensors)
    text += c10::str("tensor '", name, "': [", c10::Join(", ", shape), "]\n");
  return text;
}

std::string splits_text(const DataReport& report) {
  std::vector<std::vector<std::string>> rows = {{"rows", "count", "users", "targets", "history",
                                                 "median", "mean", "target unseen",
                                                 "target in history"}};
  for (const SplitFacts& split : report.splits) {
    rows.push_back({name(split.split), std::to_string(split.rows), std::to_string(split.users),
                    std::to_string(split.targets), c10::str(split.shortest, "..", split.longest),
                    fixed(split.median, 1), fixed(split.mean, 2), std::to_string(split.unseen),
                    std::to_string(split.in_history)});
  }
  return table_text(rows);
}

}  // namespace

DataReport data_report(const Dataset& data, const std::optional<SidTable>& sids) {
  DataReport report;
  report.items = data.items.size();
  for (const std::string& column : data.items.columns())
    report.columns.push_back(facts_of(data.items, column));
  for (const std::string& column : data.items.tensor_columns())
    report.tensors[column] = data.items.tensor(column).sizes().vec();
  const auto trained = items_of(data.train);
  auto used = trained;
  for (const Split split : {Split::train, Split::valid, Split::test}) {
    report.splits.push_back(facts_of(split, data.split(split), trained));
    used.merge(items_of(data.split(split)));
  }
  report.unused = report.items - static_cast<int64_t>(used.size());
  for (const auto& [title, count] : texts_of(data.items, "title"))
    report.same_title += count > 1 ? count : 0;
  report.remarks = data.remarks;
  if (sids) {
    report.sid_sizes = sids->sizes;
    report.distinct_sids = sids->num_distinct();
  }
  return report;
}

std::string text_of(const DataReport& report) {
  std::string text =
      c10::str(report.items, " items\n", columns_text(report), "\n", splits_text(report),
               "\nitems with the title of another: ", report.same_title,
               "; items in no row: ", report.unused, "\n");
  for (const auto& [what, count] : report.remarks) text += c10::str(what, ": ", count, "\n");
  if (report.sid_sizes) {
    text += c10::str("SIDs of ", c10::Join(" x ", *report.sid_sizes),
                     " codes come with it: ", report.distinct_sids, " distinct\n");
  }
  return text;
}

}  // namespace tsrec::host
