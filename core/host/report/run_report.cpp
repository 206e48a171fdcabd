#include "report/run_report.hpp"

#include <algorithm>

#include "pipeline/parts.hpp"
#include "report/columns.hpp"
#include "support/roof.hpp"

namespace tsrec::host {
namespace {

ReportedColumn reported(const Column& column, int64_t resamples, uint64_t seed) {
  ReportedColumn report{column.name, column.is_model, {}};
  std::vector<torch::Tensor> row_CS;  // of the numbers that have any
  for (const Number& number : column.stored.numbers) {
    ReportedNumber& entry = report.numbers.emplace_back();
    entry.name = number.name;
    entry.value = number.value;
    entry.better = number.better;
    if (number.row_S.defined()) row_CS.push_back(number.row_S.to(torch::kFloat64));
  }
  if (row_CS.empty()) return report;
  const std::vector<Interval> intervals =
      bootstrap_means(torch::stack(row_CS), column.stored.user_S, resamples, seed);
  size_t next = 0;
  for (size_t i = 0; i < report.numbers.size(); ++i) {
    if (column.stored.numbers[i].row_S.defined()) report.numbers[i].interval = intervals[next++];
  }
  return report;
}

// Items decide; at the level of SIDs nearly the same numbers would be tested twice.
bool is_tested(const Number& number) {
  if (!number.row_S.defined()) return false;
  const bool has_direction = number.better != Better::unknown && !number.name.starts_with("sid.");
  return number.name.starts_with("item.") || has_direction;
}

std::vector<PairedRows> paired(const Column& before, const Column& after) {
  std::vector<PairedRows> pair;
  for (const Number& number : after.stored.numbers) {
    const Number* old = number_of(before, number.name);
    if (old == nullptr || !old->row_S.defined() || !is_tested(number)) continue;
    pair.push_back({number.name, number.better, old->row_S, number.row_S, after.stored.user_S});
  }
  return pair;
}

std::optional<Movement> moved(const Column& before, const Column& after) {
  const auto &from = before.stored.target_ranks, &to = after.stored.target_ranks;
  return from && to ? std::optional(movement(*from, *to)) : std::nullopt;
}

// Where the rows came from; null where the stage has no result.
const StageResult* loaded_by(const std::vector<StageResult>& results) {
  for (const StageResult& result : results) {
    if (result.id.role == StageId::Role::load && !result.digest.empty()) return &result;
  }
  return nullptr;
}

bool has_flops(const StageResult& stage) {
  const auto flops = stage.counters.find("flops");
  return stage.state == StageResult::State::ran && flops != stage.counters.end() &&
         flops->second > 0;
}

ReportedStage reported(const StageResult& result, double roof) {
  ReportedStage stage{result.id.text(), result.key,      result.digest,
                      result.folder,    result.state,    result.why,
                      result.seconds,   result.counters, std::nullopt};
  constexpr double kSmall = 5e7;  // of no work there is no share worth a number
  const auto flops = static_cast<double>(stage.counted("flops"));
  if (stage.state == StageResult::State::ran && flops >= kSmall)
    stage.share_of_roof = roof > 0 && stage.seconds > 0 ? flops / stage.seconds / roof : 0;
  return stage;
}

}  // namespace

const ReportedNumber* ReportedColumn::find(const std::string& number) const {
  const auto found = std::find_if(numbers.begin(), numbers.end(),
                                  [&](const ReportedNumber& n) { return n.name == number; });
  return found == numbers.end() ? nullptr : &*found;
}

int64_t ReportedStage::counted(const std::string& counter) const {
  const auto found = counters.find(counter);
  return found == counters.end() ? 0 : found->second;
}

RunReport run_report(const Experiment& experiment, const std::vector<StageResult>& results) {
  const int64_t resamples = experiment.parts->evaluate.bootstrap;
  const auto seed = static_cast<uint64_t>(experiment.run.seed);
  RunReport report;
  report.name = experiment.run.name;
  report.tests = experiment.parts->report;
  report.threads = experiment.run.threads;
  report.precision = experiment.run.torch_precision == torch::kBFloat16 ? "bfloat16" : "float32";
  report.products = name_of(experiment.run.product_library);

  const std::vector<Column> columns = columns_of(results, lineage_of(experiment));
  report.numbers = number_names(columns);
  for (const Column& column : columns) {
    report.columns.push_back(reported(column, resamples, seed));
    const Column* before = column_of(columns, column.from);
    if (before == nullptr) continue;
    std::vector<TestedNumber> numbers =
        tested(paired(*before, column), resamples, seed, report.tests);
    for (Alarm& alarm : losses(before->name, column.name, numbers))
      report.alarms.push_back(std::move(alarm));
    report.differences.push_back(
        {column.name, before->name, std::move(numbers), moved(*before, column)});
  }

  if (const StageResult* load = loaded_by(results)) {
    report.breakdowns = breakdowns_of(
        columns, evaluated_rows(load->folder, experiment.parts->evaluate), resamples, seed);
  }
  if (std::any_of(results.begin(), results.end(), has_flops)) {
    report.roof = measured_roof(experiment.run.torch_precision, experiment.run.torch_device);
  }
  for (const StageResult& result : results) report.roof = std::max(report.roof, result.roof);
  for (const StageResult& result : results) report.stages.push_back(reported(result, report.roof));
  report.trainings = trainings_of(results, lineage_of(experiment));
  report.curves = curves_of(results);
  report.audit = audit_report(experiment, results);
  return report;
}

}  // namespace tsrec::host
