#include "report/tune_report.hpp"

#include <algorithm>

#include "tsrec/io/toml_text.hpp"

namespace tsrec::host {
namespace {

// Rows of models have the cell before their names, floors do not.
std::string name_of_row(const std::string& label) {
  const std::string cell = std::string(kTuned) + ":";
  return label.starts_with(cell) ? label.substr(cell.size()) : label;
}

}  // namespace

int64_t TuneReport::Model::failed() const {
  return std::count_if(trials.begin(), trials.end(),
                       [](const Trial& trial) { return !trial.why.empty(); });
}

double TuneReport::Model::seconds() const {
  double sum = 0;
  for (const Trial& trial : trials) sum += trial.seconds;
  return sum;
}

std::vector<TuneReport::Row> TuneReport::rows() const {
  std::vector<Row> rows;
  for (const MatrixReport::Row& row : reported.rows)
    rows.push_back({name_of_row(row.label), nullptr, row.numbers});
  for (const Model& model : models) {
    auto row = std::find_if(rows.begin(), rows.end(),
                            [&](const Row& known) { return known.of == model.name; });
    if (row == rows.end()) row = rows.insert(rows.end(), Row{model.name, nullptr, {}});
    row->model = &model;
    row->numbers.resize(reported.numbers.size());
  }
  return rows;
}

std::string protocol_of(const TuneReport& report) {
  const TuneSettings& settings = report.settings;
  const std::string seconds =
      settings.seconds > 0
          ? c10::str(" and ", io::plain_number(settings.seconds), " seconds of training")
          : "";
  return c10::str("at most ", settings.trials, " trials", seconds, " for every model, ",
                  settings.search, " search, seed ", settings.seed, "; chosen by ", report.number,
                  " of ", settings.rows > 0 ? c10::str(settings.rows, " ") : std::string("all "),
                  "validation rows; reported with seed", report.seeds.size() > 1 ? "s " : " ",
                  c10::Join(", ", report.seeds));
}

std::vector<std::string> warnings_of(const TuneReport& report) {
  std::vector<std::string> sentences;
  for (const TuneReport::Model& model : report.models) {
    const auto failed = std::find_if(model.trials.begin(), model.trials.end(),
                                     [](const auto& trial) { return !trial.why.empty(); });
    if (failed != model.trials.end())
      sentences.push_back(c10::str(model.failed(), " of ", model.trials.size(), " trials of '",
                                   model.name, "' failed; the first of them, ", failed->values,
                                   ": ", failed->why));
  }
  for (std::string& sentence : warnings_of(report.reported.alarms, report.reported.trainings))
    sentences.push_back(std::move(sentence));
  return sentences;
}

}  // namespace tsrec::host
