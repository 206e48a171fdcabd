#include <algorithm>
#include <iostream>
#include <iterator>

#include "commands/commands.hpp"
#include "commands/jobs.hpp"
#include "commands/reported.hpp"
#include "pipeline/inventory.hpp"
#include "pipeline/parts.hpp"
#include "report/csv.hpp"
#include "report/markdown.hpp"
#include "report/side_by_side.hpp"
#include "report/text.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

// Two or more runs that are there already, side by side.
int compare_stored(const Arguments& arguments) {
  std::vector<fs::path> folders;
  for (const std::string& word : arguments.words) {
    const fs::path folder = run_folder(arguments, word);
    if (folder.empty() || !fs::exists(folder / "numbers.json")) {
      throw ConfigError("'", word, "' is no finished run; name a folder of ",
                        (arguments.store / "runs").string());
    }
    folders.push_back(folder);
  }
  std::cout << side_by_side(folders);
  return kFine;
}

void write_files(const MatrixReport& report, const fs::path& folder) {
  io::write_text(folder / "results.md", markdown_of(report));
  io::write_text(folder / "results.csv", csv_of(report));
  if (!report.points.empty()) io::write_text(folder / "curves.csv", curves_csv_of(report));
}

// The cells of [compare] under its seeds.
class Matrix {
 public:
  // Every value is looked at before anything runs.
  Matrix(const Arguments& arguments, const Experiment& base, const Jobs& jobs)
      : arguments_(arguments),
        settings_(base.compare),
        jobs_(jobs),
        num_seeds_(seeds_of(settings_, base.run.seed).size()),
        cells_(cells_under_seeds(settings_, base.run.seed)) {
    for (const CellUnderSeed& one : cells_) {
      experiments_.push_back(jobs.varied(one));
      runs_.push_back({one.cell->name(), one.seed, lineage_of(experiments_.back()), {}});
    }
  }

  // Under all seeds, or until the rule to stop by is content. Returns what failed.
  std::optional<JobEnd> run() {
    if (!settings_.stop_when) return run_seeds(num_seeds_);
    stopping_.emplace(settings_);
    for (auto seeds = static_cast<size_t>(settings_.stop_when->min_seeds);; ++seeds) {
      if (std::optional<JobEnd> failed = run_seeds(seeds)) return failed;
      stopping_->look(done());
      if (stopping_->is_over()) return std::nullopt;
    }
  }

  // What was run, cell by cell.
  std::vector<CellRun> done() const {
    std::vector<CellRun> done;
    std::copy_if(runs_.begin(), runs_.end(), std::back_inserter(done),
                 [](const CellRun& run) { return !run.results.empty(); });
    return done;
  }
  size_t size() const { return runs_.size(); }
  const std::optional<Stopping>& stopping() const { return stopping_; }

 private:
  // Those of the first seeds that were not run yet: this share of them, dealt out like cards, so
  // that shares differ by one at most and are the same whoever asks. A look needs them all: then
  // the others follow, as far as no other worker has done them.
  std::optional<JobEnd> run_seeds(size_t seeds) {
    std::vector<size_t> own, others;
    size_t dealt = 0;
    for (size_t i = 0; i < runs_.size(); ++i) {
      if (i % num_seeds_ >= seeds || !runs_[i].results.empty()) continue;
      const bool is_own = dealt++ % static_cast<size_t>(arguments_.shards) ==
                          static_cast<size_t>(arguments_.shard - 1);
      (is_own ? own : others).push_back(i);
    }
    if (settings_.stop_when) own.insert(own.end(), others.begin(), others.end());
    std::vector<Job> jobs;
    for (const size_t i : own)
      jobs.push_back(jobs_.job(cells_[i].name(), cells_[i].folder(), std::move(experiments_[i])));
    Jobs::Ends ends = jobs_.run_all(jobs);
    for (size_t k = 0; k < own.size(); ++k) runs_[own[k]].results = std::move(ends.stages[k]);
    return ends.failed;
  }

  const Arguments& arguments_;
  const CompareSettings& settings_;
  const Jobs& jobs_;
  size_t num_seeds_;                     // of every cell
  std::vector<CellUnderSeed> cells_;     // all of them
  std::vector<CellRun> runs_;            // of each, in their order
  std::vector<Experiment> experiments_;  // of those that were not run yet
  std::optional<Stopping> stopping_;
};

// Every cell of [compare] with every seed; stages that several of them share run once.
int compare_cells(const Arguments& arguments) {
  const std::string& named = arguments.words.front();
  const Opened base = open_experiment(arguments, named);
  const CompareSettings& settings = base.experiment.compare;
  if (settings.cells.empty()) {
    throw ConfigError("'", named,
                      "' has no [compare]; add one, or name two or more runs to put side by side");
  }
  const Store store(arguments.store);
  const bool is_share = arguments.shards > 1;
  const fs::path folder = begin_run_folder(
      base, store,
      is_share ? c10::str("-compare-", arguments.shard, "of", arguments.shards) : "-compare");
  watch_process(/*is_child=*/false, arguments.isolate);
  const Jobs jobs(arguments, named, base, store, folder);
  Matrix matrix(arguments, base.experiment, jobs);
  try {
    const std::optional<JobEnd> failed = matrix.run();
    if (failed) return failed->is_bad_config ? kBadConfig : kFailed;
  } catch (const Interrupted& stopped) {
    return stopped_tidily(stopped);
  }
  const std::vector<CellRun> runs = matrix.done();
  if (is_share) {
    io::write_text(folder / kShareFile, c10::str(arguments.shard, "/", arguments.shards, "\n"));
    std::cout << "\nshare " << arguments.shard << " of " << arguments.shards << ": " << runs.size()
              << " of " << matrix.size()
              << " cells are stored; behind the last share the same command without --shard "
                 "reports\nrun folder: "
              << folder.string() << std::endl;
    return kFine;
  }
  MatrixReport report = matrix_report(settings, runs, base.experiment.parts->evaluate.bootstrap,
                                      base.experiment.parts->report);
  report.stopping = matrix.stopping();
  write_files(report, folder);
  std::cout << "\n" << text_of(report) << "\nrun folder: " << folder.string() << std::endl;
  std::cout << write_page_of_cells(base, store, folder) << std::endl;
  return kFine;
}

}  // namespace

int command_compare(const Arguments& arguments) {
  if (arguments.words.size() > 1 && arguments.shards > 1)
    throw ConfigError("--shard divides the cells of an experiment; stored runs have none");
  if (arguments.words.empty())
    throw ConfigError("compare needs an experiment with a [compare], or two or more runs");
  return arguments.words.size() == 1 ? compare_cells(arguments) : compare_stored(arguments);
}

}  // namespace tsrec::host
