#include "support/sequential.hpp"

#include <cmath>
#include <numbers>

#include "support/statistics/student_t.hpp"

namespace tsrec::host {
namespace {

double spent(const SequentialRule& rule, int64_t seeds) {
  if (seeds < rule.min_seeds) return 0;
  const double share = static_cast<double>(seeds) / static_cast<double>(rule.max_seeds);
  return rule.level * std::log1p((std::numbers::e - 1) * std::min(share, 1.0));
}

}  // namespace

double level_of_look(const SequentialRule& rule, int64_t seeds) {
  return (spent(rule, seeds) - spent(rule, seeds - 1)) / static_cast<double>(rule.comparisons);
}

Decision decide(const SequentialRule& rule, const std::vector<SeedRows>& seeds) {
  Decision decision;
  decision.seeds = static_cast<int64_t>(seeds.size());
  const MeanOverSeeds over = mean_over_seeds(seeds);
  const double level = level_of_look(rule, decision.seeds);
  const double reach = student_quantile(1 - level / 2, static_cast<double>(decision.seeds - 1)) *
                       over.standard_error();
  decision.mean = over.mean;
  decision.interval = {over.mean - reach, over.mean + reach};
  const Interval& interval = decision.interval;
  if (interval.low > 0 || interval.high < 0)
    decision.outcome = Outcome::differs;
  else if (interval.low >= -rule.margin && interval.high <= rule.margin)
    decision.outcome = Outcome::within_margin;
  return decision;
}

}  // namespace tsrec::host
