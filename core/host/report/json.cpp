#include "report/json.hpp"

#include <nlohmann/json.hpp>

namespace tsrec::host {
namespace {

using nlohmann::ordered_json;

ordered_json json_of(const Alarm& alarm) {
  return {{"after", alarm.after},
          {"before", alarm.before},
          {"number", alarm.number},
          {"difference", alarm.difference},
          {"interval", json_of(alarm.interval)},
          {"test", alarm.test},
          {"p", alarm.p},
          {"sentence", alarm.sentence()}};
}

ordered_json json_of(const TrainingAgainstStart& training) {
  const AgainstStart& known = training.known;
  ordered_json points = ordered_json::array();
  for (const AgainstStart::Point& point : known.points) {
    points.push_back({{"step", point.step},
                      {"value", point.value},
                      {"difference", point.difference},
                      {"interval", json_of(point.interval)},
                      {"changed", point.changed},
                      {"alarm", point.is_worse}});
  }
  return {
      {"stage", training.stage},    {"before", training.before}, {"number", known.number},
      {"rows", known.rows},         {"start", known.start},      {"validations", points},
      {"on_alarm", known.on_alarm}, {"kept", known.kept},        {"sentence", training.warning()}};
}

ordered_json json_of(const Movement& moved) {
  ordered_json hits = ordered_json::object();
  for (const Movement::Group& group : moved.by_popularity) {
    hits[group.name] = {{"rows", group.rows},   {"before", group.before},
                        {"after", group.after}, {"gained", group.gained},
                        {"lost", group.lost},   {"mcnemar", group.mcnemar}};
  }
  return {{"ranks", moved.bins},
          {"from_to", moved.from_to},
          {"hit_rank", moved.hit_rank},
          {"hits", hits}};
}

}  // namespace

ordered_json json_of(const Interval& interval) { return {interval.low, interval.high}; }

ordered_json json_of(const TestedDifference& one) {
  ordered_json json = {{"difference", one.difference.mean},
                       {"interval", json_of(one.difference.interval)},
                       {"p", one.adjusted},
                       {"p_alone", one.difference.p}};
  if (one.permutation) json["permutation"] = *one.permutation;
  json["significant"] = one.is_significant();
  if (one.could_show) json["could_show"] = *one.could_show;
  if (one.equivalence)
    json["equivalence"] = {{"margin", one.equivalence->margin},
                           {"p", one.equivalence->p},
                           {"shown", one.equivalence->is_shown()}};
  return json;
}

ordered_json json_of(const TestedNumber& number) {
  ordered_json json = json_of(static_cast<const TestedDifference&>(number));
  if (!number.mcnemar) return json;
  json["mcnemar"] = *number.mcnemar;
  json["changed"] = number.changed;
  if (number.detectable) json["detectable"] = *number.detectable;
  return json;
}

std::string numbers_json_of(const RunReport& report) {
  ordered_json json = ordered_json::object();
  for (const ReportedColumn& column : report.columns) {
    for (const ReportedNumber& number : column.numbers)
      json[column.name][number.name] = number.value;
    for (const std::string& name : report.numbers) {
      const ReportedNumber* number = column.find(name);
      if (number != nullptr && number->interval)
        json[column.name][name + ".interval"] = json_of(*number->interval);
    }
  }
  for (const ReportedDifference& pair : report.differences) {
    for (const TestedNumber& number : pair.numbers)
      json[pair.after + " minus " + pair.before][number.name] = json_of(number);
  }
  for (const ReportedDifference& pair : report.differences) {
    if (pair.movement)
      json["movements"][pair.after + " minus " + pair.before] = json_of(*pair.movement);
  }
  if (!report.breakdowns.empty()) json["breakdowns"] = breakdowns_json(report.breakdowns);
  json["trainings"] = ordered_json::array();
  for (const TrainingAgainstStart& training : report.trainings)
    json["trainings"].push_back(json_of(training));
  json["alarms"] = ordered_json::array();
  for (const Alarm& alarm : report.alarms) json["alarms"].push_back(json_of(alarm));
  if (report.audit) json["audit"] = audit_json(*report.audit);
  return json.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

ordered_json statistics_json(const RunReport& report) {
  ordered_json json = {{"correction", report.tests.correction},
                       {"level", kTestLevel},
                       {"equivalence_margin", report.tests.equivalence},
                       {"differences", ordered_json::array()}};
  for (const ReportedDifference& pair : report.differences) {
    for (const TestedNumber& number : pair.numbers) {
      ordered_json entry = {
          {"after", pair.after}, {"before", pair.before}, {"number", number.name}};
      entry.update(json_of(number));
      json["differences"].push_back(std::move(entry));
    }
  }
  return json;
}

std::string work_json_of(const RunReport& report) {
  ordered_json json = {{"threads", report.threads},
                       {"precision", report.precision},
                       {"products", report.products},
                       {"roof_gflops", report.roof / 1e9},
                       {"stages", ordered_json::object()}};
  for (const ReportedStage& stage : report.stages) {
    if (stage.state != StageResult::State::ran) continue;
    ordered_json& entry = json["stages"][stage.name];
    entry["seconds"] = stage.seconds;
    for (const auto& [name, value] : stage.counters) entry[name] = value;
    if (stage.share_of_roof) entry["share_of_roof"] = *stage.share_of_roof;
  }
  return json.dump(1) + "\n";
}

std::string tuning_json_of(const TuneReport& report) {
  const TuneSettings& settings = report.settings;
  ordered_json json = {{"number", report.number},
                       {"search", settings.search},
                       {"trials", settings.trials},
                       {"seconds", settings.seconds},
                       {"rows", settings.rows},
                       {"seed", settings.seed},
                       {"seeds", report.seeds},
                       {"models", ordered_json::object()},
                       {"reported", ordered_json::object()}};
  for (const TuneReport::Model& model : report.models) {
    ordered_json trials = ordered_json::array();
    for (const TuneReport::Trial& trial : model.trials) {
      ordered_json entry = {{"values", trial.values}};
      if (trial.number)
        entry["number"] = *trial.number;
      else
        entry["failed"] = trial.why;
      entry["seconds"] = trial.seconds;
      trials.push_back(std::move(entry));
    }
    json["models"][model.name] = {
        {"combinations", model.combinations}, {"chosen", model.chosen}, {"trials", trials}};
  }
  for (const TuneReport::Row& row : report.rows()) {
    for (size_t i = 0; i < row.numbers.size(); ++i) {
      const Spread& spread = row.numbers[i];
      if (spread.count > 0)
        json["reported"][row.of][report.reported.numbers[i]] = {
            {"mean", spread.mean}, {"deviation", spread.deviation}, {"seeds", spread.count}};
    }
  }
  return json.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace tsrec::host
