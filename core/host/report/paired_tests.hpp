// A model against the one that it was trained from, on the same rows; and the alarm when it lost.
#pragma once

#include <optional>
#include <span>

#include "pipeline/settings.hpp"
#include "support/statistics.hpp"
#include "tsrec/evaluation.hpp"

namespace tsrec::host {

// One number of both models, row by row; user_S: whose row it is.
struct PairedRows {
  std::string number;
  Better better = Better::unknown;
  torch::Tensor before_S, after_S, user_S;
};

constexpr double kTestLevel = 0.05;

// A difference among others that are tested with it: its family.
struct TestedDifference {
  Difference difference;                   // one minus the other
  double adjusted = 1;                     // its p, corrected over the family
  std::optional<double> could_show;        // the difference that is found four times in five
  std::optional<Equivalence> equivalence;  // where a margin is given; corrected as well
  std::optional<double> permutation;       // p by flipping users' signs, of one seed alone
  int64_t rows = 0;                        // compared

  bool is_significant() const { return adjusted <= kTestLevel; }
};
// Sets what follows from `difference` and `settings` in all of a family.
void judge(const std::vector<TestedDifference*>& family, const ReportSettings& settings);

// After minus before, by a bootstrap over users; the numbers of a pair are a family.
struct TestedNumber : TestedDifference {
  std::string name;
  Better better = Better::unknown;
  std::optional<double> mcnemar;  // of numbers whose rows are hits or misses
  // Of those as well: the share of the rows that changed sides, and the difference that so many
  // rows could have shown; see detectable_difference().
  double changed = 0;
  std::optional<double> detectable;
};
TSREC_HOST_API std::vector<TestedNumber> tested(const std::vector<PairedRows>& pair,
                                                int64_t resamples, uint64_t seed,
                                                const ReportSettings& settings = {});

// A number that got worse by more than chance.
struct TSREC_HOST_API Alarm {
  std::string cell;           // of a comparison; "" in a run
  std::string after, before;  // models
  std::string number;
  double difference = 0;  // after minus before
  Interval interval;      // 95 %, of the difference
  std::string test;       // which one agrees: "McNemar" or "paired bootstrap"
  double p = 1;           // its p, adjusted by Holm over all numbers of the pair
  int64_t num_tested = 0;
  std::string sentence() const;
};

// The numbers that the later model lost at. All of these must hold: the metric says which way is
// better (Number::better), the interval of the difference lies wholly on the other side of 0, and
// p is at most 0.05 after Holm over the tested numbers of the pair: McNemar's where rows are hits
// or misses, the bootstrap's elsewhere. It is Holm whatever the report is corrected with: a warning
// is no finding among others, and none at all should be false. Without resamples there is no
// interval, and no alarm.
TSREC_HOST_API std::vector<Alarm> losses(const std::string& before, const std::string& after,
                                         const std::vector<TestedNumber>& numbers);

}  // namespace tsrec::host
