// A run's report as JSON, for programs.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "report/run_report.hpp"
#include "report/tune_report.hpp"

namespace tsrec::host {

nlohmann::ordered_json json_of(const Interval& interval);  // [low, high]
// {"difference", "interval", "p", "p_alone", "permutation", "significant", "could_show",
// "equivalence": {"margin", "p", "shown"}}. p: corrected; p_alone: before that.
nlohmann::ordered_json json_of(const TestedDifference& one);
// Of hits and misses "mcnemar", "changed" and "detectable" as well.
nlohmann::ordered_json json_of(const TestedNumber& number);

// numbers.json: {"sft": {"item.hr@10": 0.1, "item.hr@10.interval": [low, high]}, "grpo minus sft":
// {"item.hr@10": json_of(TestedNumber)}, "movements": {"grpo minus sft": {"ranks", "from_to",
// "hits"}}, "breakdowns": see breakdowns_json(), "trainings": [{"stage", "validations", ...}],
// "alarms": [{"after", "before", "number", ...}], "audit": as audit_report.hpp says}.
TSREC_HOST_API std::string numbers_json_of(const RunReport& report);
// How differences were tested, and all of them: {"correction": "holm", "level",
// "equivalence_margin", "differences": [{"after", "before", "number", "difference", ...}]}.
TSREC_HOST_API nlohmann::ordered_json statistics_json(const RunReport& report);
// work.json: what every stage that ran cost, beside what the machine can do.
std::string work_json_of(const RunReport& report);
// tuning.json: {"number": "item.hr@10", "search", "trials", "seconds", "rows", "seed", "seeds": [],
// "models": {"markov": {"combinations", "chosen": 2, "trials": [{"values", "number", "seconds"} or
// {"values", "failed", "seconds"}]}}, "reported": {"markov": {"item.hr@10": {"mean",
// "deviation", "seeds"}}}}. chosen: from 0.
TSREC_HOST_API std::string tuning_json_of(const TuneReport& report);

}  // namespace tsrec::host
