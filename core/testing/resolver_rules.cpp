#include <set>

#include "rules.hpp"
#include "tsrec/parts/resolver.hpp"

namespace tsrec::kit {
namespace resolver_rule {  // rules of other kinds have the same names

struct Codes {
  explicit Codes(int64_t rows, int64_t codes = 16) : x_ND(toy_vectors(rows)), quantizer(3, codes) {
    TestContext context;
    quantizer.fit(toy_vectors(8), context);
    code_NL = quantizer.encode(x_ND);
  }
  torch::Tensor x_ND;
  ToyQuantizer quantizer;
  torch::Tensor code_NL;
};

SidTable resolved(const Subject& subject, const Codes& codes, uint64_t seed = 17) {
  TestContext context(seed);
  return subject.make_as<Resolver>(context)->resolve({codes.code_NL, codes.x_ND, codes.quantizer},
                                                     context);
}

int64_t num_distinct(const SidTable& sids) {
  const std::vector<int64_t> group_N = sids.group_N();
  return static_cast<int64_t>(std::set<int64_t>(group_N.begin(), group_N.end()).size());
}

void require_table(const SidTable& sids, int64_t rows) {
  require(sids.code_NL.defined() && sids.code_NL.scalar_type() == torch::kInt64 &&
              sids.code_NL.dim() == 2 && sids.code_NL.size(0) == rows,
          "code_NL is ", shape_of(sids.code_NL), "; expected Long [", rows, ", L]");
  require(static_cast<int64_t>(sids.sizes.size()) == sids.num_levels(), sids.sizes.size(),
          " sizes for ", sids.num_levels(), " levels");
  for (int64_t row = 0; row < rows; ++row) {
    bool has_ended = false;
    for (int64_t level = 0; level < sids.num_levels(); ++level) {
      const int64_t code = sids.code_NL[row][level].item<int64_t>();
      require(code >= -1 && code < sids.sizes[static_cast<size_t>(level)], "item ", row,
              " has code ", code, " at level ", level, ", which has ",
              sids.sizes[static_cast<size_t>(level)]);
      require(code == -1 || !has_ended, "item ", row, " has a code behind the end of its SID");
      has_ended = has_ended || code == -1;
    }
  }
  Trie::build(sids, Vocabulary(sids, 0));  // throws when one SID is the beginning of another
}

void every_item_has_a_sid(const Subject& subject) {
  require_table(resolved(subject, Codes(60)), 60);
}

void no_more_collisions_than_before(const Subject& subject) {
  const Codes codes(60);
  const SidTable before{codes.code_NL, codes.quantizer.sizes()};
  const SidTable after = resolved(subject, codes);
  require(num_distinct(after) >= num_distinct(before), num_distinct(before),
          " distinct SIDs became ", num_distinct(after));
}

void the_seed_decides(const Subject& subject) {
  const Codes codes(60);
  const torch::Tensor before = codes.code_NL.clone();
  require(same(resolved(subject, codes).code_NL, resolved(subject, codes).code_NL),
          "two runs with one seed differ");
  require(same(before, codes.code_NL), "it changes the codes it is given");
}

void tiny_and_crowded(const Subject& subject) {
  const Codes one(1);
  SidTable sids;
  if (works_or_says_why([&] { sids = resolved(subject, one); })) require_table(sids, 1);
  Codes none(2);
  none.code_NL = none.code_NL.slice(0, 0, 0);
  none.x_ND = none.x_ND.slice(0, 0, 0);
  works_or_says_why([&] { resolved(subject, none); });
  Codes crowded(60, /*codes=*/2);  // 60 items for 8 SIDs
  if (works_or_says_why([&] { sids = resolved(subject, crowded); })) require_table(sids, 60);
}

}  // namespace resolver_rule

std::vector<Rule> resolver_rules() {
  using namespace resolver_rule;
  std::vector<Rule> rules = {
      {"every item gets a SID of codes inside the sizes, and no SID begins another",
       every_item_has_a_sid},
      {"no two items collide that did not before", no_more_collisions_than_before},
      {"equal codes and seed give equal SIDs, and the codes stay as they are", the_seed_decides},
      {"no item, one item, more items than SIDs: a table, or a sentence", tiny_and_crowded}};
  for (Rule& rule : long_work_rules([](const Subject&subject, Context&context) {
         const Codes codes(60);
         subject.make_as<Resolver>(context)->resolve({codes.code_NL, codes.x_ND, codes.quantizer},
                                                     context);
       }))
    rules.push_back(std::move(rule));
  return rules;
}

}  // namespace tsrec::kit
