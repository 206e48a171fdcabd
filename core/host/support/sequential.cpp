#include "support/sequential.hpp"

#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <map>
#include <numbers>

namespace tsrec::host {
namespace {

double spent(const SequentialRule& rule, int64_t seeds) {
  if (seeds < rule.min_seeds) return 0;
  const double share = static_cast<double>(seeds) / static_cast<double>(rule.max_seeds);
  return rule.level * std::log1p((std::numbers::e - 1) * std::min(share, 1.0));
}

struct Group {
  double sum = 0, count = 0;
};

// Of the mean of all rows, where rows of one group belong together.
double variance_of_mean(const std::vector<Group>& groups) {
  Group all;
  for (const Group& group : groups) {
    all.sum += group.sum;
    all.count += group.count;
  }
  const auto number = static_cast<double>(groups.size());
  if (number < 2) return 0;
  double square = 0;
  for (const Group& group : groups) {
    const double beside = group.sum - group.count * all.sum / all.count;
    square += beside * beside;
  }
  return square / (all.count * all.count) * number / (number - 1);
}

}  // namespace

double level_of_look(const SequentialRule& rule, int64_t seeds) {
  return (spent(rule, seeds) - spent(rule, seeds - 1)) / static_cast<double>(rule.comparisons);
}

MeanOverSeeds mean_over_seeds(const std::vector<SeedRows>& seeds, double level) {
  if (seeds.size() < 2) throw Error("the spread over seeds needs two of them at least");
  std::vector<Group> of_seed;
  std::map<int64_t, Group> of_user;
  Group all;
  for (const SeedRows& rows : seeds) {
    const torch::Tensor value_S = rows.value_S.to(torch::kFloat64).contiguous();
    const torch::Tensor user_S = rows.user_S.to(torch::kInt64).contiguous();
    Group& seed = of_seed.emplace_back();
    for (int64_t row = 0; row < value_S.size(0); ++row) {
      const double value = value_S.const_data_ptr<double>()[row];
      for (Group* group : {&seed, &of_user[user_S.const_data_ptr<int64_t>()[row]], &all}) {
        group->sum += value;
        ++group->count;
      }
    }
  }
  if (all.count == 0) throw Error("a difference without rows has no mean");
  std::vector<Group> users;
  for (const auto& [user, group] : of_user) users.push_back(group);
  const double mean = all.sum / all.count;
  const double error = std::sqrt(variance_of_mean(of_seed) + variance_of_mean(users));
  const boost::math::students_t student(static_cast<double>(seeds.size() - 1));
  const double reach = error * boost::math::quantile(boost::math::complement(student, level / 2));
  return {mean, {mean - reach, mean + reach}};
}

Decision decide(const SequentialRule& rule, const std::vector<SeedRows>& seeds) {
  Decision decision;
  decision.seeds = static_cast<int64_t>(seeds.size());
  decision.difference = mean_over_seeds(seeds, level_of_look(rule, decision.seeds));
  const Interval& interval = decision.difference.interval;
  if (interval.low > 0 || interval.high < 0)
    decision.verdict = Verdict::differs;
  else if (interval.low >= -rule.margin && interval.high <= rule.margin)
    decision.verdict = Verdict::within_margin;
  return decision;
}

}  // namespace tsrec::host
