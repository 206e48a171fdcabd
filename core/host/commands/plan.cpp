#include <algorithm>
#include <iomanip>
#include <iostream>

#include "commands/commands.hpp"
#include "commands/jobs.hpp"
#include "commands/open.hpp"
#include "pipeline/runner.hpp"

namespace tsrec::host {

namespace {

// Names on the left of a column of words, which begins behind the longest of them.
class Listing {
 public:
  explicit Listing(size_t width) : width_(static_cast<int>(width) + 2) {}
  void print(const std::string& name, const std::string& words) const {
    std::cout << std::left << std::setw(width_) << name << words << '\n';
  }

 private:
  int width_;
};

// path: of the options that this part is one of, such as "reward.exact_match."
void print_origins(const PartChoice& part, const std::string& path) {
  std::cout << "    " << part.kind << " " << part.use << "  " << part.origin.text() << '\n';
  for (const auto* options : {&part.options, &part.host_options}) {
    for (const BoundOption& option : *options) {
      const bool is_said = options == &part.host_options &&
                           (option.key == "use" || option.is_default);  // above, or not at all
      if (is_said) continue;
      std::cout << "      " << path << option.key << " = " << option.value << "  (" << option.origin
                << ")\n";
    }
  }
  for (const OwnedPart& owned : part.parts) print_origins(owned.choice, path + owned.path + ".");
}

bool is_made(const StageResult& stage) { return stage.state == StageResult::State::stored; }

// "stored"; "runs: stage.sft, evaluate.sft"; "runs: all 12 stages".
std::string what_runs(const std::vector<StageResult>& plan) {
  std::vector<std::string> runs;
  for (const StageResult& stage : plan) {
    if (!is_made(stage)) runs.push_back(stage.id.text());
  }
  if (runs.empty()) return "stored";
  if (runs.size() == plan.size()) return c10::str("runs: all ", plan.size(), " stages");
  return "runs: " + std::string(c10::Join(", ", runs));
}

// What compare would run, cell by cell under every seed.
void print_cells(const Arguments& arguments, const Opened& base, const Store& store) {
  const CompareSettings& settings = base.experiment.compare;
  const Jobs jobs(arguments, named_experiment(arguments), base, store, /*run_folder=*/"");
  std::vector<std::pair<std::string, std::string>> lines;
  size_t width = 0, unfinished = 0;
  for (const CellUnderSeed& one : cells_under_seeds(settings, base.experiment.run.seed)) {
    const std::vector<StageResult> plan = plan_stages(jobs.varied(one), store);
    lines.emplace_back(one.name(), what_runs(plan));
    width = std::max(width, lines.back().first.size());
    if (!std::all_of(plan.begin(), plan.end(), is_made)) ++unfinished;
  }
  std::cout << "\n[compare], with --jobs " << arguments.jobs << ":\n";
  for (const auto& [name, words] : lines) Listing(width).print(name, words);
  std::cout << unfinished << " of " << lines.size()
            << " have something to run; a stage that several of them share runs once\n";
}

}  // namespace

int command_plan(const Arguments& arguments) {
  const Opened opened = open_experiment(arguments, named_experiment(arguments));
  const Store store(arguments.store);
  const std::vector<StageResult> plan = plan_stages(opened.experiment, store);
  size_t width = 24;
  for (const StageResult& stage : plan) width = std::max(width, stage.id.text().size());
  for (size_t i = 0; i < plan.size(); ++i) {
    Listing(width).print(plan[i].id.text(), is_made(plan[i]) ? "stored" : "runs: " + plan[i].why);
    if (!arguments.origins) continue;
    for (const PartChoice& part : opened.experiment.stages[i].parts) print_origins(part, "");
  }
  if (!opened.experiment.compare.cells.empty()) print_cells(arguments, opened, store);
  return kFine;
}

}  // namespace tsrec::host
