#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>

#include "commands/commands.hpp"
#include "commands/jobs.hpp"
#include "commands/reported.hpp"
#include "pipeline/parts.hpp"
#include "pipeline/runner.hpp"
#include "pipeline/trial.hpp"
#include "report/csv.hpp"
#include "report/json.hpp"
#include "report/markdown.hpp"
#include "report/text.hpp"
#include "support/log.hpp"
#include "support/number_text.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;
using Overrides = DocumentRequest::Overrides;

// What --set decides would be no choice any more.
void refuse_decided(const TuneSettings& tune, const std::vector<std::string>& set) {
  for (const std::string& assignment : set) {
    const std::string path = assignment.substr(0, assignment.find('='));
    for (const TunedModel& model : tune.models) {
      for (const TunedOption& option : model.options) {
        if (path == model.place + "." + option.path)
          throw ConfigError("--set ", assignment, " decides what [tune.space.", model.name,
                            "] chooses; leave one of them out");
      }
    }
  }
}

// The models of [tune], each tried until its budget is used; those that others go on from first.
class Tuning {
 public:
  Tuning(const Jobs& jobs, const Experiment& base, const Store& store)
      : jobs_(jobs), settings_(base.tune), store_(store) {
    for (const TunedModel& model : settings_.models)
      models_.push_back({.model = &model,
                         .values = trials_of(settings_, model),
                         .before = tuned_before(base, model.name)});
    // Every value is looked at before anything runs.
    for (Model& model : models_) {
      for (const Overrides& values : model.values) jobs_.varied(values, settings_.seed);
      model.ends.resize(model.values.size());
    }
  }

  // The next trial that is not stored yet; none while it depends on those that run.
  std::optional<Job> next() {
    for (bool is_new = true; is_new;) {
      is_new = false;
      for (Model& model : models_) {
        if (model.chosen || !is_ready(model)) continue;
        while (may_begin(model)) {
          Job trial = begin(model);
          if (!finish_stored(model, trial)) return trial;
        }
        if (model.running.empty()) {
          choose(model);
          is_new = true;
        }
      }
    }
    return std::nullopt;
  }

  void ended(const Job& job, const JobEnd& end) {
    for (Model& model : models_) {
      const auto running = model.running.find(job.folder);
      if (running == model.running.end()) continue;
      const size_t index = running->second;
      model.running.erase(running);
      if (end.failed.empty()) {
        finish(model, index, end.stages);
      } else {
        log(Level::warning,
            c10::str(job.name, ": ", end.failed, " failed: ", end.why, "; the others go on"));
        model.ends[index] = Trial{.values = text_of(model.values[index], *model.model),
                                  .number = std::nullopt,
                                  .seconds = end.seconds,
                                  .why = end.failed + ": " + end.why};
        model.is_bad_config = model.is_bad_config || end.is_bad_config;
      }
    }
  }

  // Of all models, in the order of the experiment.
  Overrides chosen() const {
    Overrides all;
    for (const Model& model : models_) {
      const Overrides& own = model.values[*model.chosen];
      all.insert(all.end(), own.begin(), own.end());
    }
    return all;
  }

  // Without what was measured with it.
  TuneReport report() const {
    TuneReport report;
    report.number = number_;
    report.settings = settings_;
    for (const Model& model : models_) {
      TuneReport::Model& told = report.models.emplace_back();
      told.name = model.model->name;
      told.combinations = combinations(*model.model);
      for (size_t i = 0; i < counted(model); ++i) told.trials.push_back(*model.ends[i]);
      told.chosen = *model.chosen;
    }
    return report;
  }

 private:
  using Trial = TuneReport::Trial;
  struct Model {
    const TunedModel* model;
    std::vector<Overrides> values;             // of the trials
    std::set<std::string> before;              // models that are chosen first
    std::vector<std::optional<Trial>> ends{};  // of those that are over
    std::map<fs::path, size_t> running{};      // by the folder of its job
    size_t begun = 0;
    std::optional<size_t> chosen{};
    bool is_bad_config = false;  // one of those that failed
  };

  const Model& named(const std::string& name) const {
    return *std::find_if(models_.begin(), models_.end(),
                         [&](const Model& model) { return model.model->name == name; });
  }

  bool is_ready(const Model& model) const {
    return std::all_of(model.before.begin(), model.before.end(),
                       [&](const std::string& name) { return named(name).chosen.has_value(); });
  }

  // Those that count: a trial belongs to the budget while those before it have left some of it. So
  // it is the same ones that count however many ran side by side, and when all are done again.
  size_t counted(const Model& model) const {
    double seconds = 0;
    for (size_t i = 0; i < model.ends.size(); ++i) {
      if (!model.ends[i] || is_used(seconds)) return i;
      seconds += model.ends[i]->seconds;
    }
    return model.ends.size();
  }
  bool is_used(double seconds) const {
    return settings_.seconds > 0 && seconds >= settings_.seconds;
  }

  bool may_begin(const Model& model) const {
    double seconds = 0;
    for (size_t i = 0; i < model.begun; ++i) seconds += model.ends[i] ? model.ends[i]->seconds : 0;
    return model.begun < model.values.size() && !is_used(seconds);
  }

  Job begin(Model& model) const {
    const size_t index = model.begun++;
    Overrides values = model.values[index];
    for (const std::string& name : model.before) {
      const Model& earlier = named(name);
      const Overrides& chosen = earlier.values[*earlier.chosen];
      values.insert(values.end(), chosen.begin(), chosen.end());
    }
    const std::string& name = model.model->name;
    Job trial = jobs_.job(c10::str(name, ", trial ", index + 1, " (",
                                   text_of(model.values[index], *model.model), ")"),
                          c10::str("trials/", name, "-", index + 1),
                          trial_of(jobs_.varied(values, settings_.seed), name), name);
    model.running[trial.folder] = index;
    return trial;
  }

  bool finish_stored(Model& model, const Job& trial) {
    const std::vector<StageResult> stages = plan_stages(*trial.experiment, store_);
    if (stages.back().state != StageResult::State::stored) return false;
    const auto running = model.running.find(trial.folder);
    finish(model, running->second, stages);
    model.running.erase(running);
    return true;
  }

  void finish(Model& model, size_t index, const std::vector<StageResult>& stages) {
    const Number number = validated_number(stages, settings_);
    number_ = number.name;
    better_ = number.better;
    const std::string values = text_of(model.values[index], *model.model);
    Trial& trial =
        model.ends[index].emplace(Trial{values, number.value, seconds_of(stages, store_)});
    if (!std::isfinite(number.value)) {
      trial.number.reset();
      trial.why = c10::str(number.name, " is ", number.value);
    }
    log(Level::info, c10::str(model.model->name, ", trial ", index + 1, ": ", number.name, " ",
                              fixed(number.value), " on validation rows with ", values));
  }

  void choose(Model& model) const {
    std::vector<std::optional<double>> numbers;
    for (size_t i = 0; i < counted(model); ++i) numbers.push_back(model.ends[i]->number);
    model.chosen = best_of(numbers, better_);
    const std::string& name = model.model->name;
    if (model.chosen) {
      log(Level::info, c10::str(name, ": ", text_of(model.values[*model.chosen], *model.model),
                                " is the best of ", numbers.size(), " trials"));
      return;
    }
    const std::string sentence =
        c10::str("none of the ", numbers.size(), " trials of '", name,
                 "' gave a number to choose by; the last: ", model.ends[numbers.size() - 1]->why);
    if (model.is_bad_config) throw ConfigError(sentence);
    throw DataError(sentence);
  }

  const Jobs& jobs_;
  const TuneSettings& settings_;
  const Store& store_;
  std::vector<Model> models_;
  std::string number_;
  Better better_ = Better::higher;
};

// The whole experiment with what was chosen, under each seed of the report.
std::vector<Job> reporting_jobs(const Jobs& jobs, const Overrides& chosen,
                                const std::vector<int64_t>& seeds) {
  std::vector<Job> reporting;
  for (const int64_t seed : seeds)
    reporting.push_back(
        jobs.job(c10::str(kTuned, ", seed ", seed), tuned_folder(seed), jobs.varied(chosen, seed)));
  return reporting;
}

void write_files(const TuneReport& report, const fs::path& folder) {
  io::write_text(folder / "results.md", markdown_of(report));
  io::write_text(folder / "results.csv", csv_of(report.reported));
  io::write_text(folder / "tuning.json", tuning_json_of(report));
}

// What was chosen, for --with.
void write_chosen(const Tuning& tuning, const TuneReport& report, const fs::path& run_folder,
                  const fs::path& out) {
  DocumentRequest request;
  request.file = run_folder / "resolved.toml";
  const std::string text = "# Chosen by tsrec tune: " + protocol_of(report) + ".\n" +
                           document_of(tuning.chosen(), Document::load(request).root()).toml();
  io::write_text(run_folder / "tuned.toml", text);
  if (!out.empty()) io::write_text(out, text);
}

}  // namespace

int command_tune(const Arguments& arguments) {
  const std::string& named = named_experiment(arguments);
  const Opened base = open_experiment(arguments, named);
  const TuneSettings& settings = base.experiment.tune;
  if (settings.models.empty())
    throw ConfigError("'", named,
                      "' has no [tune]; add one with a [tune.space.NAME] for each model, or take "
                      "one in by --with");
  refuse_decided(settings, arguments.set);
  if (!arguments.out.empty()) {
    const fs::path out = fs::absolute(arguments.out).parent_path();
    if (!fs::is_directory(out))
      throw ConfigError("--out ", arguments.out.string(), ": there is no folder '", out.string(),
                        "'");
  }
  const std::vector<int64_t> seeds = reporting_seeds(base.experiment);
  const Store store(arguments.store);
  const fs::path folder = begin_run_folder(base, store, "-tune");
  watch_process(/*is_child=*/false, arguments.isolate);
  const Jobs jobs(arguments, named, base, store, folder);
  Tuning tuning(jobs, base.experiment, store);
  TuneReport report;
  std::vector<Job> reporting;
  Jobs::Ends ends;
  try {
    jobs.run([&] { return tuning.next(); },
             [&](const Job& job, const JobEnd& end) { tuning.ended(job, end); });
    report = tuning.report();
    report.seeds = seeds;
    write_chosen(tuning, report, folder, arguments.out);
    reporting = reporting_jobs(jobs, tuning.chosen(), seeds);
    ends = jobs.run_all(reporting);
  } catch (const Interrupted& stopped) {
    return stopped_tidily(stopped);
  }
  if (ends.failed) return ends.failed->is_bad_config ? kBadConfig : kFailed;
  std::vector<CellRun> runs;
  for (size_t i = 0; i < seeds.size(); ++i)
    runs.push_back({kTuned, seeds[i], lineage_of(*reporting[i].experiment), ends.stages[i]});
  CompareSettings shown;
  shown.numbers = base.experiment.compare.numbers;
  report.reported = matrix_report(shown, runs, base.experiment.parts->evaluate.bootstrap,
                                  base.experiment.parts->report);
  write_files(report, folder);
  std::cout << "\n"
            << text_of(report) << "\nchosen values: " << (folder / "tuned.toml").string()
            << "\nrun folder: " << folder.string() << std::endl;
  std::cout << write_page_of_cells(base, store, folder) << std::endl;
  return kFine;
}

}  // namespace tsrec::host
