// A training against the model that it started from: one number, on the same validation rows, with
// a paired bootstrap behind every validation.
#pragma once

#include <filesystem>
#include <vector>

#include "support/statistics.hpp"
#include "tsrec/artifact.hpp"
#include "tsrec/context.hpp"
#include "tsrec/evaluation.hpp"

namespace tsrec::host {

// Whether all of the interval of a difference lies on the wrong side of 0, or on the right one.
TSREC_HOST_API bool is_wholly_worse(const Interval& interval, Better better);
TSREC_HOST_API bool is_wholly_better(const Interval& interval, Better better);

// What is known of it: stored with the stage, and reported.
struct TSREC_HOST_API AgainstStart {
  struct Point {
    int64_t step = 0;                  // steps done
    double value = 0, difference = 0;  // of the number; from the start's
    Interval interval;                 // 95 %, of the difference
    double changed = 0;                // share of the rows that are a hit in one of the two only
    bool is_worse = false;             // the interval lies wholly on the wrong side of 0: the alarm
  };
  std::string number;  // "item.hr@10"; "": the metrics have none to watch
  Better better = Better::unknown;
  int64_t rows = 0;
  double start = 0;
  std::vector<Point> points;  // one for each validation
  std::string on_alarm;
  int64_t kept = -1;  // the step whose state the stage hands on; 0: the start

  // "item.hr@10 is worse than the start's on the same 1000 validation rows: -0.0310 (95 % interval
  // -0.0520 .. -0.0110)"
  std::string sentence(const Point& point) const;
};

TSREC_HOST_API void write_against_start(const AgainstStart& known, ArtifactWriter& out);
// Of a stage's artefact; none where it compared nothing.
TSREC_HOST_API std::optional<AgainstStart> read_against_start(const std::filesystem::path& folder);

// Which of the names is `begin` with a cutoff behind it, "item.hr@10", the first of those nearest
// to 10.
TSREC_HOST_API std::optional<size_t> nearest_to_ten(const std::vector<std::string>& names,
                                                    std::string_view begin);

// The number of this name. "auto": the hit rate of items whose cutoff is nearest to 10, else their
// NDCG, else the first that is better when higher; null where there is none. Only numbers with rows
// and a direction can be watched: a ConfigError if the named one is no such number.
TSREC_HOST_API const Number* watched_number(const Numbers& numbers, const std::string& name);

struct StartComparison {
  std::string on_alarm = "warn";  // warn; stop: the training ends; revert: and the start is kept
  torch::Tensor user_S = {};      // whose rows the number's are
  uint64_t seed = 0;              // of the bootstrap
  int64_t evaluated_rows = 0;     // that the evaluation to come will rank
};

class TSREC_HOST_API StartWatch {
 public:
  // watch: see watched_number().
  StartWatch(std::string watch, StartComparison settings)
      : watch_(std::move(watch)), settings_(std::move(settings)) {}

  // Once, with what is measured before the first step.
  void begin(const Numbers& numbers, Context& context);
  // After a validation: says the difference as a curve, and warns of a loss. Returns whether the
  // training has to end.
  bool look(const Numbers& numbers, int64_t step, Context& context);
  // Whether what was looked at last is better than the start by all of its interval.
  bool is_surely_better() const;
  bool reverts() const { return settings_.on_alarm == "revert"; }
  // Which alarm ended the training.
  std::string reason() const;
  // kept: the step whose state the stage hands on.
  AgainstStart known(int64_t kept) const;

  void save(ArtifactWriter& writer) const;
  void load(const ArtifactReader& reader);

 private:
  std::string watch_;
  StartComparison settings_;
  AgainstStart known_;
  torch::Tensor start_S_;
};

}  // namespace tsrec::host
