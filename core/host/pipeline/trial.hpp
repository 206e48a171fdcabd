// One trial of [tune]: a model with some values, trained and ranked on validation rows.
#pragma once

#include <set>

#include "pipeline/pipeline.hpp"
#include "pipeline/store.hpp"
#include "tsrec/evaluation.hpp"

namespace tsrec::host {

// What the stages are that the model needs, and behind them the one that ranks validation rows with
// it: nothing of a trial sees a test row, and trials share what their values do not change.
TSREC_HOST_API Experiment trial_of(const Experiment& experiment, const std::string& model);

// The other models of [tune] that it goes on from, or asks: they are chosen before it.
TSREC_HOST_API std::set<std::string> tuned_before(const Experiment& experiment,
                                                  const std::string& model);

// The seeds of the report. Throws ConfigError where one of them is that of the trials, or stands
// there twice.
TSREC_HOST_API std::vector<int64_t> reporting_seeds(const Experiment& experiment);

// The number that chooses, of a trial whose stages are all stored. Throws ConfigError where the
// metrics have no such number.
TSREC_HOST_API Number validated_number(const std::vector<StageResult>& trial,
                                       const TuneSettings& settings);
// What training and validating its model took; stages that other models share do not count.
TSREC_HOST_API double seconds_of(const std::vector<StageResult>& trial, const Store& store);
// The best of the values, the first of several; none where there is no finite one.
TSREC_HOST_API std::optional<size_t> best_of(const std::vector<std::optional<double>>& values,
                                             Better better);

}  // namespace tsrec::host
