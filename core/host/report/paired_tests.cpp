#include "report/paired_tests.hpp"

#include "pipeline/against_start.hpp"
#include "support/number_text.hpp"

namespace tsrec::host {
namespace {

// Numbers of the same rows share their draws, as they do one by one with one seed.
std::vector<Difference> differences_of(const std::vector<PairedRows>& pair, int64_t resamples,
                                       uint64_t seed) {
  std::vector<Difference> differences;
  for (size_t first = 0; first < pair.size(); first = differences.size()) {
    std::vector<torch::Tensor> difference_CS;
    for (size_t i = first; i < pair.size(); ++i) {
      if (!torch::equal(pair[i].user_S, pair[first].user_S)) break;
      difference_CS.push_back(pair[i].after_S.to(torch::kFloat64) -
                              pair[i].before_S.to(torch::kFloat64));
    }
    for (const Difference& difference :
         paired_bootstraps(torch::stack(difference_CS), pair[first].user_S, resamples, seed))
      differences.push_back(difference);
  }
  return differences;
}

bool is_hit_rate(const std::string& number) { return number.starts_with("item.hr@"); }

}  // namespace

void judge(const std::vector<TestedDifference*>& family, const ReportSettings& settings) {
  std::vector<double> p, p_of_equivalence;
  for (TestedDifference* one : family) {
    one->could_show = detectable_difference(one->difference);
    p.push_back(one->difference.p);
    if (settings.equivalence <= 0) continue;
    one->equivalence = equivalence(one->difference, settings.equivalence);
    p_of_equivalence.push_back(one->equivalence->p);
  }
  const std::vector<double> corrected = adjusted(p, settings.how_corrected()),
                            of_equivalence = adjusted(p_of_equivalence, settings.how_corrected());
  for (size_t i = 0; i < family.size(); ++i) {
    family[i]->adjusted = corrected[i];
    if (family[i]->equivalence) family[i]->equivalence->p = of_equivalence[i];
  }
}

std::vector<TestedNumber> tested(const std::vector<PairedRows>& pair, int64_t resamples,
                                 uint64_t seed, const ReportSettings& settings) {
  std::vector<TestedNumber> numbers;
  const std::vector<Difference> differences = differences_of(pair, resamples, seed);
  for (const PairedRows& rows : pair) {
    TestedNumber& number = numbers.emplace_back();
    number.name = rows.number;
    number.better = rows.better;
    number.difference = differences[numbers.size() - 1];
    number.rows = rows.before_S.size(0);
    if (resamples > 0)
      number.permutation =
          permutation_test(rows.before_S, rows.after_S, rows.user_S, resamples, seed);
    if (is_hit_rate(rows.number)) {
      number.mcnemar = mcnemar(rows.before_S, rows.after_S);
      number.changed = discordance(rows.before_S, rows.after_S);
      number.detectable = detectable_difference(number.rows, number.changed);
    }
  }
  std::vector<TestedDifference*> family;
  for (TestedNumber& number : numbers) family.push_back(&number);
  judge(family, settings);
  return numbers;
}

std::vector<Alarm> losses(const std::string& before, const std::string& after,
                          const std::vector<TestedNumber>& numbers) {
  std::vector<double> p;
  for (const TestedNumber& number : numbers)
    p.push_back(number.mcnemar.value_or(number.difference.p));
  const std::vector<double> adjusted = holm(p);
  std::vector<Alarm> alarms;
  for (size_t i = 0; i < numbers.size(); ++i) {
    const TestedNumber& number = numbers[i];
    if (!is_wholly_worse(number.difference.interval, number.better) || adjusted[i] > kTestLevel)
      continue;
    alarms.push_back({.cell = "",
                      .after = after,
                      .before = before,
                      .number = number.name,
                      .difference = number.difference.mean,
                      .interval = number.difference.interval,
                      .test = number.mcnemar ? "McNemar" : "paired bootstrap",
                      .p = adjusted[i],
                      .num_tested = static_cast<int64_t>(numbers.size())});
  }
  return alarms;
}

std::string Alarm::sentence() const {
  return c10::str(cell.empty() ? "" : cell + ": ", after, " is worse than ", before,
                  ", which it started from, at ", number, ": ", signed_fixed(difference),
                  " (95 % interval ", signed_range(interval.low, interval.high), "; ", test,
                  ", p = ", fixed(p, 3), " after Holm over ", num_tested,
                  num_tested == 1 ? " number)" : " numbers)");
}

}  // namespace tsrec::host
