#include "rules.hpp"
#include "tsrec/parts/metric.hpp"

namespace tsrec::kit {
namespace metric_rule {  // rules of other kinds have the same names

constexpr int64_t kWidth = 12;

// What a metric is given; a decoding metric asks the toy model instead.
struct Given {
  explicit Given(const Subject& subject, bool with_sids = true, bool with_rows = true)
      : world(/*tied=*/true, subject.wordings()),
        samples(with_rows ? world.data.test : Samples::empty()),
        rankings(toy_rankings(samples, with_sids ? &world.sids : nullptr, 60, kWidth)),
        sids(with_sids ? &world.sids : nullptr) {}
  ToyWorld world;
  Samples samples;
  Rankings rankings;
  const SidTable* sids;
};

Numbers measured(const Subject& subject, const Given& given) {
  TestContext context;
  const auto metric = subject.make_as<Metric>(context);
  if (const auto* asks = dynamic_cast<const NeedsDecoder*>(metric.get())) {
    const ToyWorld& world = given.world;
    return asks->measure_with(*world.backbone, {world.data, world.sids, world.notes},
                              *world.compiler, world.trie, context);
  }
  return metric->measure({given.rankings, given.samples, given.world.data, given.sids}, context);
}

void require_numbers(const Subject& subject, const Numbers& numbers, int64_t rows) {
  TestContext context;
  const bool asks_the_model =
      dynamic_cast<const NeedsDecoder*>(subject.make_as<Metric>(context).get()) != nullptr;
  asks_the_model ? boundary::check_numbers(numbers, std::nullopt, "measure_with()")
                 : boundary::check_numbers(numbers, rows, "measure()");
}

void finite_numbers_with_names(const Subject& subject) {
  const Given given(subject);
  const boundary::Untouched lists = boundary::untouched(given.rankings);
  const Numbers numbers = measured(subject, given);
  lists.check("measure()", "the lists it is given");
  require(!numbers.empty(), "it measures nothing");
  require_numbers(subject, numbers, given.samples.size());
}

void the_same_again(const Subject& subject) {
  const Given given(subject);
  const Numbers a = measured(subject, given), b = measured(subject, given);
  require(a.size() == b.size(), a.size(), " numbers, then ", b.size());
  for (size_t i = 0; i < a.size(); ++i)
    require(a[i].name == b[i].name && a[i].value == b[i].value && same(a[i].row_S, b[i].row_S), "'",
            a[i].name, "' differs the second time");
}

void rows_keep_their_values(const Subject& subject) {
  Given given(subject);
  const Numbers before = measured(subject, given);
  std::vector<int64_t> backwards;
  for (int64_t row = given.samples.size(); row-- > 0;) backwards.push_back(row);
  const torch::Tensor order = torch::tensor(backwards, torch::kInt64);
  given.samples = given.samples.rows(backwards);
  given.rankings.item_SM = given.rankings.item_SM.index_select(0, order);
  given.rankings.leaf_SM = given.rankings.leaf_SM.index_select(0, order);
  given.rankings.score_SM = given.rankings.score_SM.index_select(0, order);
  given.rankings.certified_S = given.rankings.certified_S.index_select(0, order);
  const Numbers after = measured(subject, given);
  for (size_t i = 0; i < std::min(before.size(), after.size()); ++i)
    require(std::abs(before[i].value - after[i].value) < 1e-9 &&
                (!before[i].row_S.defined() ||
                 same(before[i].row_S.index_select(0, order), after[i].row_S)),
            "'", before[i].name, "' depends on the order of the rows");
}

void nothing_to_measure(const Subject& subject) {
  Numbers numbers;
  const Given no_rows(subject, /*with_sids=*/true, /*with_rows=*/false);
  if (works_or_says_why([&] { numbers = measured(subject, no_rows); }))
    require_numbers(subject, numbers, 0);
  const Given no_sids(subject, /*with_sids=*/false);
  if (works_or_says_why([&] { numbers = measured(subject, no_sids); }))
    require_numbers(subject, numbers, no_sids.samples.size());
  Given empty_lists(subject);
  empty_lists.rankings.item_SM.fill_(-1);
  empty_lists.rankings.leaf_SM.fill_(-1);
  empty_lists.rankings.certified_S.zero_();
  empty_lists.rankings.num_illegal = empty_lists.rankings.item_SM.numel();
  if (works_or_says_why([&] { numbers = measured(subject, empty_lists); }))
    require_numbers(subject, numbers, empty_lists.samples.size());
}

}  // namespace metric_rule

std::vector<Rule> metric_rules() {
  using namespace metric_rule;
  std::vector<Rule> rules = {
      {"numbers are finite, have distinct names, and are the means of their rows",
       finite_numbers_with_names},
      {"equal lists give equal numbers", the_same_again},
      {"the order of the rows changes nothing", rows_keep_their_values},
      {"no rows, no SIDs, empty lists: finite numbers, or a sentence", nothing_to_measure}};
  for (Rule& rule : long_work_rules([](const Subject&subject, Context&context) {
         const Given given(subject);
         const auto metric = subject.make_as<Metric>(context);
         if (const auto* asks = dynamic_cast<const NeedsDecoder*>(metric.get())) {
           asks->measure_with(*given.world.backbone,
                              {given.world.data, given.world.sids, given.world.notes},
                              *given.world.compiler, given.world.trie, context);
         } else {
           metric->measure({given.rankings, given.samples, given.world.data, given.sids}, context);
         }
       }))
    rules.push_back(std::move(rule));
  return rules;
}

}  // namespace tsrec::kit
