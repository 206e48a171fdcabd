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

void every_item_has_a_sid(const Subject& subject) {
  boundary::check_sids(resolved(subject, Codes(60)), 60, "resolve()");
}

void no_more_collisions_than_before(const Subject& subject) {
  const Codes codes(60);
  boundary::check_collisions(resolved(subject, codes), codes.code_NL);
}

void the_seed_decides(const Subject& subject) {
  const Codes codes(60);
  const boundary::Untouched given({codes.code_NL});
  require(same(resolved(subject, codes).code_NL, resolved(subject, codes).code_NL),
          "two runs with one seed differ");
  given.check("resolve()", "the codes it is given");
}

void tiny_and_crowded(const Subject& subject) {
  const Codes one(1);
  SidTable sids;
  if (works_or_says_why([&] { sids = resolved(subject, one); }))
    boundary::check_sids(sids, 1, "resolve()");
  Codes none(2);
  none.code_NL = none.code_NL.slice(0, 0, 0);
  none.x_ND = none.x_ND.slice(0, 0, 0);
  works_or_says_why([&] { resolved(subject, none); });
  Codes crowded(60, /*codes=*/2);  // 60 items for 8 SIDs
  if (works_or_says_why([&] { sids = resolved(subject, crowded); }))
    boundary::check_sids(sids, 60, "resolve()");
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
