#include "rules.hpp"
#include "tsrec/parts/source.hpp"

namespace tsrec::kit {
namespace source_rule {  // rules of other kinds have the same names

Dataset loaded(const Subject& subject, Context& context) {
  return subject.make_as<Source>(context)->load(context);
}

void rows_are_consistent(const Subject& subject) {
  TestContext context;
  const Dataset data = loaded(subject, context);
  require(data.items.size() > 0, "the catalogue is empty");
  for (const Split split : {Split::train, Split::valid, Split::test})
    boundary::check_samples(data.split(split), split, data.items.size());
  require(data.train.size() > 0, "there is no training row");
}

void training_ends_before_the_test(const Subject& subject) {
  TestContext context;
  const Dataset data = loaded(subject, context);
  std::map<int64_t, int64_t> first;
  for (int64_t row = 0; row < data.test.size(); ++row) {
    const int64_t time = data.test.time_S[row].item<int64_t>();
    const auto [at, is_new] = first.emplace(data.test.user(row), time);
    if (!is_new) at->second = std::min(at->second, time);
  }
  for (int64_t row = 0; row < data.train.size(); ++row) {
    const auto found = first.find(data.train.user(row));
    require(found == first.end() || data.train.time_S[row].item<int64_t>() <= found->second,
            "training row ", row, " is later than the first test row of its user");
  }
}

bool same_samples(const Samples& a, const Samples& b) {
  return same(a.user_S, b.user_S) && same(a.target_S, b.target_S) && same(a.time_S, b.time_S) &&
         same(a.history_H, b.history_H) && same(a.offset_S1, b.offset_S1) &&
         same(a.history_time_H, b.history_time_H);
}

void loads_the_same_again(const Subject& subject) {
  TestContext one, other;
  const Dataset a = loaded(subject, one), b = loaded(subject, other);
  require(a.items.size() == b.items.size(), "another number of items the second time");
  for (int64_t item = 0; item < a.items.size(); ++item) {
    require(a.items.key(item) == b.items.key(item), "item ", item, " has another key");
    for (const std::string& column : a.items.columns())
      require(a.items.text(column, item) == b.items.text(column, item), "item ", item,
              " has another ", column);
  }
  require(same_samples(a.train, b.train) && same_samples(a.valid, b.valid) &&
              same_samples(a.test, b.test),
          "the rows differ");
}

void shipped_sids_fit(const Subject& subject) {
  TestContext context;
  const Items items = loaded(subject, context).items;
  const auto sids = subject.make_as<Source>(context)->sids(items, context);
  if (!sids) throw Skipped{"it ships no SIDs"};
  boundary::check_sids(*sids, items.size(), "sids()");
}

}  // namespace source_rule

std::vector<Rule> source_rules() {
  using namespace source_rule;
  std::vector<Rule> rules = {
      {"every number in every row names an item, and the offsets cut the histories",
       rows_are_consistent},
      {"no training row is later than its user's first test row", training_ends_before_the_test},
      {"loading again gives the same items and rows", loads_the_same_again},
      {"SIDs that it ships cover the catalogue and make a trie", shipped_sids_fit}};
  for (Rule& rule :
       long_work_rules([](const Subject&subject, Context&context) { loaded(subject, context); }))
    rules.push_back(std::move(rule));
  return rules;
}

}  // namespace tsrec::kit
