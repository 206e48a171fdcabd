#include "pipeline/audit_rows.hpp"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include "pipeline/row_facts.hpp"

namespace tsrec::host {
namespace {

// Counts one more; the first few are described.
template <class Describe>
void add(AuditFinding& finding, const Describe& describe) {
  if (finding.count++ < kAuditExamples) finding.examples.push_back(describe());
}

AuditFinding finding_of(const char* rule, int64_t of) { return {&audit_rule(rule), 0, of}; }

std::string row_text(const Dataset& data, Split split, int64_t row) {
  const Samples& samples = data.split(split);
  return c10::str(name(split), " row ", row, " (user ", samples.user(row), ", target '",
                  data.items.key(samples.target(row)), "')");
}

int64_t time_of(const Samples& samples, int64_t row) {
  return samples.time_S.const_data_ptr<int64_t>()[row];
}

uint64_t mixed(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * 0xff51afd7ed558ccdULL;
  return hash ^ (hash >> 32);
}

// Of each of so many things the first that equals it, which may be itself. Things of one hash are
// compared, so that chance decides nothing.
template <class Hash, class Equal>
std::vector<int64_t> first_equal(int64_t count, const Hash& hash, const Equal& equal) {
  std::vector<std::pair<uint64_t, int64_t>> sorted;
  sorted.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) sorted.emplace_back(hash(i), i);
  std::sort(sorted.begin(), sorted.end());
  std::vector<int64_t> first(static_cast<size_t>(count));
  std::vector<int64_t> different;  // things of one hash
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (i == 0 || sorted[i].first != sorted[i - 1].first) different.clear();
    const int64_t thing = sorted[i].second;
    const auto known = std::find_if(different.begin(), different.end(),
                                    [&](int64_t other) { return equal(other, thing); });
    first[static_cast<size_t>(thing)] = known == different.end() ? thing : *known;
    if (known == different.end()) different.push_back(thing);
  }
  return first;
}

// --- times

std::vector<AuditFinding> late_rows(const Dataset& data) {
  std::unordered_map<int64_t, int64_t> first_of_user;
  int64_t first = std::numeric_limits<int64_t>::max();
  for (int64_t row = 0; row < data.test.size(); ++row) {
    const int64_t time = time_of(data.test, row);
    const auto [at, is_new] = first_of_user.emplace(data.test.user(row), time);
    at->second = std::min(at->second, time);
    first = std::min(first, time);
  }
  AuditFinding late = finding_of("late_rows", data.train.size());
  AuditFinding mixed_eras = finding_of("mixed_eras", data.train.size());
  AuditFinding ties = finding_of("boundary_ties", data.train.size() + data.valid.size());
  const bool has_test = data.test.size() > 0;
  for (const Split split : {Split::train, Split::valid}) {
    const Samples& samples = data.split(split);
    for (int64_t row = 0; has_test && row < samples.size(); ++row) {
      const int64_t time = time_of(samples, row);
      const auto described = [&] { return row_text(data, split, row); };
      if (time == first) add(ties, described);
      if (split != Split::train) continue;
      if (time > first) add(mixed_eras, described);
      const auto own = first_of_user.find(samples.user(row));
      if (own != first_of_user.end() && time > own->second) add(late, described);
    }
  }
  return {late, mixed_eras, ties};
}

AuditFinding same_time(const Dataset& data) {
  std::vector<std::pair<int64_t, int64_t>> moments;  // user and time
  for (const Split split : {Split::train, Split::valid, Split::test}) {
    const Samples& samples = data.split(split);
    for (int64_t row = 0; row < samples.size(); ++row)
      moments.emplace_back(samples.user(row), time_of(samples, row));
  }
  std::sort(moments.begin(), moments.end());
  AuditFinding finding = finding_of("same_time", data.test.size());
  for (int64_t row = 0; row < data.test.size(); ++row) {
    const std::pair moment(data.test.user(row), time_of(data.test, row));
    const auto [begin, end] = std::equal_range(moments.begin(), moments.end(), moment);
    if (end - begin > 1) add(finding, [&] { return row_text(data, Split::test, row); });
  }
  return finding;
}

// --- rows that stand there more than once

struct Row {
  Split split = Split::train;
  int64_t number = 0;
};

std::vector<Row> rows_of(const Dataset& data, const std::vector<Split>& splits) {
  std::vector<Row> rows;
  for (const Split split : splits) {
    for (int64_t row = 0; row < data.split(split).size(); ++row) rows.push_back({split, row});
  }
  return rows;
}

// The first row of the list that has the same history and target, and, where `whole`, the same
// user and time.
std::vector<int64_t> first_equal_row(const Dataset& data, const std::vector<Row>& rows,
                                     bool whole) {
  const auto hash = [&](int64_t i) {
    const Row& row = rows[static_cast<size_t>(i)];
    const Samples& samples = data.split(row.split);
    uint64_t value = mixed(0, static_cast<uint64_t>(samples.target(row.number)));
    for (const int64_t item : samples.history(row.number))
      value = mixed(value, static_cast<uint64_t>(item));
    if (!whole) return value;
    return mixed(mixed(value, static_cast<uint64_t>(samples.user(row.number))),
                 static_cast<uint64_t>(time_of(samples, row.number)));
  };
  const auto equal = [&](int64_t i, int64_t j) {
    const Row &a = rows[static_cast<size_t>(i)], &b = rows[static_cast<size_t>(j)];
    const Samples &in_a = data.split(a.split), &in_b = data.split(b.split);
    const auto history_a = in_a.history(a.number), history_b = in_b.history(b.number);
    return in_a.target(a.number) == in_b.target(b.number) &&
           std::equal(history_a.begin(), history_a.end(), history_b.begin(), history_b.end()) &&
           (!whole || (in_a.user(a.number) == in_b.user(b.number) &&
                       time_of(in_a, a.number) == time_of(in_b, b.number)));
  };
  return first_equal(static_cast<int64_t>(rows.size()), hash, equal);
}

AuditFinding duplicate_rows(const Dataset& data) {
  AuditFinding finding = finding_of("duplicate_rows", 0);
  for (const Split split : {Split::train, Split::valid, Split::test}) {
    const std::vector<Row> rows = rows_of(data, {split});
    const std::vector<int64_t> first = first_equal_row(data, rows, /*whole=*/true);
    finding.of += static_cast<int64_t>(rows.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      if (first[i] != static_cast<int64_t>(i))
        add(finding,
            [&] { return c10::str(row_text(data, split, rows[i].number), ", as row ", first[i]); });
    }
  }
  return finding;
}

// Test rows that equal a row of the other splits. A user who takes the same items again and again
// at one time has equal rows of right: those whose target stands in their history do not count as
// whole ones.
AuditFinding met_before(const Dataset& data, const char* rule, const std::vector<Split>& before,
                        bool whole) {
  std::vector<Row> rows = rows_of(data, before);
  const auto known = static_cast<int64_t>(rows.size());
  const std::vector<Row> test = rows_of(data, {Split::test});
  rows.insert(rows.end(), test.begin(), test.end());
  const std::vector<int64_t> first = first_equal_row(data, rows, whole);
  AuditFinding finding = finding_of(rule, data.test.size());
  for (size_t i = static_cast<size_t>(known); i < rows.size(); ++i) {
    if (first[i] >= known || (whole && is_repeat(data.test, rows[i].number))) continue;
    const Row& other = rows[static_cast<size_t>(first[i])];
    add(finding, [&] {
      return c10::str(row_text(data, Split::test, rows[i].number), ", as ", name(other.split),
                      " row ", other.number);
    });
  }
  return finding;
}

// --- targets and users of the test rows

AuditFinding repeats(const Dataset& data) {
  AuditFinding finding = finding_of("repeats", data.test.size());
  for (int64_t row = 0; row < data.test.size(); ++row) {
    if (is_repeat(data.test, row)) add(finding, [&] { return row_text(data, Split::test, row); });
  }
  return finding;
}

AuditFinding unseen_targets(const Dataset& data) {
  const std::vector<bool> trained = trained_items(data.train, data.items.size());
  AuditFinding finding = finding_of("unseen_targets", data.test.size());
  for (int64_t row = 0; row < data.test.size(); ++row) {
    if (!trained[static_cast<size_t>(data.test.target(row))])
      add(finding, [&] { return row_text(data, Split::test, row); });
  }
  return finding;
}

AuditFinding shared_users(const Dataset& data) {
  std::unordered_set<int64_t> trained, tested;
  for (int64_t row = 0; row < data.train.size(); ++row) trained.insert(data.train.user(row));
  AuditFinding finding = finding_of("shared_users", 0);
  for (int64_t row = 0; row < data.test.size(); ++row) {
    const int64_t user = data.test.user(row);
    if (!tested.insert(user).second) continue;
    ++finding.of;
    if (trained.contains(user)) add(finding, [&] { return c10::str("user ", user); });
  }
  return finding;
}

// --- items

// Items that are one of several in their group: group_N tells which group each is in.
AuditFinding members_of_many(const char* rule, const Dataset& data,
                             const std::vector<int64_t>& group_N) {
  std::unordered_map<int64_t, int64_t> size, first;
  for (size_t item = 0; item < group_N.size(); ++item) {
    ++size[group_N[item]];
    first.emplace(group_N[item], static_cast<int64_t>(item));
  }
  AuditFinding finding = finding_of(rule, data.items.size());
  for (int64_t item = 0; item < data.items.size(); ++item) {
    const int64_t group = group_N[static_cast<size_t>(item)];
    if (size[group] < 2) continue;
    add(finding, [&] {
      const std::string key = data.items.key(item);
      return first[group] == item
                 ? c10::str("'", key, "', one of ", size[group])
                 : c10::str("'", key, "', as '", data.items.key(first[group]), "'");
    });
  }
  return finding;
}

// Items with the same texts in these columns are one group; an item without any is alone.
std::vector<int64_t> groups_by_text(const Items& items, const std::vector<std::string>& columns) {
  const auto hash = [&](int64_t item) {
    uint64_t value = 0;
    bool has_text = false;
    for (const std::string& column : columns) {
      const std::string_view text = items.text(column, item);
      has_text = has_text || !text.empty();
      value = mixed(value, std::hash<std::string_view>{}(text));
    }
    return has_text ? value : mixed(1, static_cast<uint64_t>(item));
  };
  const auto equal = [&](int64_t a, int64_t b) {
    bool has_text = false;
    for (const std::string& column : columns) {
      if (items.text(column, a) != items.text(column, b)) return false;
      has_text = has_text || !items.text(column, a).empty();
    }
    return has_text;
  };
  return first_equal(items.size(), hash, equal);
}

}  // namespace

std::vector<AuditFinding> audit_rows(const Dataset& data) {
  std::vector<AuditFinding> findings = late_rows(data);
  findings.push_back(met_before(data, "test_rows", {Split::train, Split::valid}, /*whole=*/true));
  findings.push_back(same_time(data));
  findings.push_back(duplicate_rows(data));
  findings.push_back(met_before(data, "test_pairs", {Split::train}, /*whole=*/false));
  findings.push_back(repeats(data));
  findings.push_back(unseen_targets(data));
  findings.push_back(shared_users(data));
  findings.push_back(
      members_of_many("duplicate_items", data, groups_by_text(data.items, data.items.columns())));
  findings.push_back(
      members_of_many("duplicate_titles", data, groups_by_text(data.items, {"title"})));
  return findings;
}

std::vector<AuditFinding> audit_sids(const Dataset& data, const SidTable& sids) {
  const std::vector<int64_t> group_N = sids.group_N();
  std::unordered_map<int64_t, int64_t> size;
  for (const int64_t group : group_N) ++size[group];
  AuditFinding targets = finding_of("collided_targets", data.test.size());
  for (int64_t row = 0; row < data.test.size(); ++row) {
    const int64_t target = data.test.target(row);
    if (size[group_N[static_cast<size_t>(target)]] > 1)
      add(targets, [&] { return row_text(data, Split::test, row) + " of " + sids.text(target); });
  }
  return {members_of_many("collided_items", data, group_N), targets};
}

}  // namespace tsrec::host
