#include "rules.hpp"
#include "tsrec/parts/initializer.hpp"

namespace tsrec::kit {
namespace initializer_rule {  // rules of other kinds have the same names

NewRows rows_of(const Subject& subject, const ToyWorld& world,
                const std::vector<TokenNote>& notes) {
  TestContext context;
  return subject.make_as<Initializer>(context)->rows({.tokens = world.vocabulary,
                                                      .notes = notes,
                                                      .tokenizer = world.plain->tokenizer(),
                                                      .rows = world.plain->vocabulary_rows(),
                                                      .sids = world.sids},
                                                     context);
}

void require_rows(const NewRows& rows, const ToyWorld& world) {
  boundary::check_rows(rows, world.plain->vocabulary_rows(),
                       static_cast<int64_t>(world.vocabulary.tokens().size()));
}

void one_row_per_token(const Subject& subject) {
  for (const bool tied : {true, false}) {
    const ToyWorld world(tied);
    require_rows(rows_of(subject, world, world.notes), world);
  }
}

void the_seed_decides(const Subject& subject) {
  const ToyWorld world;
  require(same(rows_of(subject, world, world.notes).input_ED,
               rows_of(subject, world, world.notes).input_ED),
          "two runs with one seed differ");
}

void the_backbone_stays(const Subject& subject) {
  const ToyWorld world;
  const boundary::Untouched model({world.plain->embedding(), world.plain->head().weight_VD});
  rows_of(subject, world, world.notes);
  model.check("rows()", "the model's rows");
}

void without_notes(const Subject& subject) {
  const ToyWorld world;
  NewRows rows;
  if (works_or_says_why([&] { rows = rows_of(subject, world, {}); })) require_rows(rows, world);
  std::vector<TokenNote> few = {world.notes.front()};
  few.front().keywords.clear();
  if (works_or_says_why([&] { rows = rows_of(subject, world, few); })) require_rows(rows, world);
}

}  // namespace initializer_rule

std::vector<Rule> initializer_rules() {
  using namespace initializer_rule;
  std::vector<Rule> rules = {
      {"one finite float32 row per new token; output rows only when untied", one_row_per_token},
      {"equal inputs and seed give equal rows", the_seed_decides},
      {"the backbone stays as it is", the_backbone_stays},
      {"without notes, and with a note without keywords: rows, or a sentence", without_notes}};
  for (Rule& rule : long_work_rules([](const Subject&subject, Context&context) {
         const ToyWorld world;
         subject.make_as<Initializer>(context)->rows({.tokens = world.vocabulary,
                                                      .notes = world.notes,
                                                      .tokenizer = world.plain->tokenizer(),
                                                      .rows = world.plain->vocabulary_rows(),
                                                      .sids = world.sids},
                                                     context);
       }))
    rules.push_back(std::move(rule));
  return rules;
}

}  // namespace tsrec::kit
