#include "rules.hpp"
#include "tsrec/parts/quantizer.hpp"
#include "tsrec/parts/recommender.hpp"

namespace tsrec::kit {
namespace recommender_rule {  // rules of other kinds have the same names

// What is given to a part that asks for SIDs, with vectors for whoever looks.
RecommenderInputs inputs_for(const Subject& subject, const Dataset& data, const SidTable& sids) {
  return {.data = data,
          .sids = may_need(subject, Quantizer::kKind) ? &sids : nullptr,
          .x_ND = toy_vectors(data.items.size())};
}

struct Fitted {
  explicit Fitted(const Subject& subject, int64_t num_items = 60)
      : data(toy_data(num_items)), sids(toy_sids(num_items)) {
    TestContext context;
    recommender = subject.make_as<Recommender>(context);
    const Dataset seen = data.without_test();
    fit(*recommender, inputs_for(subject, seen, sids), context);
  }
  Rankings rank(const Samples& samples, int64_t candidates = 10) const {
    TestContext context;
    return recommender->rank(samples, candidates, context);
  }
  Dataset data;
  SidTable sids;
  std::shared_ptr<Recommender> recommender;
};

bool same_lists(const Rankings& a, const Rankings& b) {
  return same(a.item_SM, b.item_SM) && same(a.score_SM, b.score_SM);
}

void lists_are_lists(const Subject& subject) {
  const Fitted fitted(subject);
  const Samples& rows = fitted.data.test;
  boundary::check_rankings(fitted.rank(rows), rows.size(), 10, 60);
  boundary::check_rankings(fitted.rank(rows, 1000), rows.size(), 1000, 60);
  boundary::check_rankings(fitted.rank(rows.rows({})), 0, 10, 60);
}

void targets_are_not_looked_at(const Subject& subject) {
  const Fitted fitted(subject);
  Samples hidden = fitted.data.test;
  hidden.target_S = (hidden.target_S + 7) % 60;
  require(same_lists(fitted.rank(fitted.data.test), fitted.rank(hidden)),
          "other targets change the lists: it looks at the answers");
}

void a_row_decides_its_list(const Subject& subject) {
  const Fitted fitted(subject);
  const Rankings all = fitted.rank(fitted.data.test);
  require(same_lists(all, fitted.rank(fitted.data.test)), "the same rows get other lists again");
  const std::array<int64_t, 1> chosen = {2};
  require(same(fitted.rank(fitted.data.test.rows(chosen)).item_SM, all.item_SM.slice(0, 2, 3)),
          "a row alone gets another list than among others");
}

void the_seed_decides(const Subject& subject) {
  const Fitted one(subject), other(subject);
  require(same_lists(one.rank(one.data.test), other.rank(other.data.test)),
          "two fits with one seed differ");
}

void saved_and_loaded(const Subject& subject) {
  const Fitted fitted(subject);
  TestContext context;
  const auto again = subject.make_as<Recommender>(context);
  through_disk([&](ArtifactWriter& writer) { fitted.recommender->save(writer); },
               [&](const ArtifactReader& reader) { again->load(reader); });
  require(same_lists(fitted.rank(fitted.data.test), again->rank(fitted.data.test, 10, context)),
          "the loaded part gives other lists");
}

// A host trains, puts the best state back, and finishes: nothing of the last steps may linger.
void the_parameters_decide(const Subject& subject) {
  TestContext context;
  const Dataset data = toy_data(), seen = data.without_test();
  const SidTable sids = toy_sids();
  const auto ready = [&] {
    const auto part = subject.make_as<Recommender>(context);
    part->fit(inputs_for(subject, seen, sids), context);
    return part;
  };
  const auto trained = ready();
  Stepwise* const steps = steps_of(*trained);
  if (steps == nullptr || steps->num_steps() == 0) throw Skipped{"its work is not done in steps"};
  for (int64_t index = 0; index < std::min<int64_t>(8, steps->num_steps()); ++index)
    steps->step(index, context);
  const std::vector<torch::Tensor> values = nn::values_of(steps->parameters());
  steps->finish(context);
  const auto given = ready();
  nn::set_values(steps_of(*given)->parameters(), values);
  steps_of(*given)->finish(context);
  require(
      same_lists(trained->rank(data.test, 10, context), given->rank(data.test, 10, context)),
      "trained for some steps it ranks otherwise than with those values put into its parameters");
}

void tiny_data_and_empty_histories(const Subject& subject) {
  works_or_says_why([&] {
    const Fitted fitted(subject, /*num_items=*/2);
    boundary::check_rankings(fitted.rank(fitted.data.test), fitted.data.test.size(), 10, 2);
  });
  const Fitted fitted(subject);
  SamplesBuilder builder;
  builder.add(/*user=*/1, {}, /*target=*/0, /*time=*/9);
  works_or_says_why([&] { boundary::check_rankings(fitted.rank(builder.build()), 1, 10, 60); });
  works_or_says_why([&] {
    TestContext context;
    Dataset none;
    none.items = toy_items(0);
    none.train = none.valid = none.test = Samples::empty();
    const SidTable no_sids = toy_sids(0);
    const auto part = subject.make_as<Recommender>(context);
    fit(*part, inputs_for(subject, none, no_sids), context);
    boundary::check_rankings(part->rank(builder.build(), 10, context), 1, 10, 0);
  });
}

}  // namespace recommender_rule

std::vector<Rule> recommender_rules() {
  using namespace recommender_rule;
  std::vector<Rule> rules = {
      {"lists name distinct items, best first, as many as asked for or as there are",
       lists_are_lists},
      {"the targets are not looked at", targets_are_not_looked_at},
      {"a row's list depends on that row only", a_row_decides_its_list},
      {"equal data and seed give equal lists", the_seed_decides},
      {"saved and loaded it gives the same lists", saved_and_loaded},
      {"what stands in the parameters when the steps are finished decides the lists",
       the_parameters_decide},
      {"two items, no items, an empty history: lists, or a sentence",
       tiny_data_and_empty_histories}};
  append(rules, long_work_rules([](const Subject& subject, Context& context) {
           const Dataset data = toy_data().without_test();
           const SidTable sids = toy_sids();
           fit(*subject.make_as<Recommender>(context), inputs_for(subject, data, sids), context);
         }));
  append(rules, stepwise_rules([](const Subject& subject, Context& context) {
           struct Inputs {
             explicit Inputs(const Subject& subject) : given(inputs_for(subject, data, sids)) {}
             Dataset data = toy_data().without_test();
             SidTable sids = toy_sids();
             RecommenderInputs given;
           };
           const auto inputs = std::make_shared<Inputs>(subject);
           const auto recommender = subject.make_as<Recommender>(context);
           recommender->fit(inputs->given, context);
           return ReadyPart{inputs, recommender};
         }));
  return rules;
}

}  // namespace tsrec::kit
