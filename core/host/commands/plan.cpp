#include <algorithm>
#include <iomanip>
#include <iostream>

#include "commands/commands.hpp"
#include "commands/open.hpp"
#include "pipeline/runner.hpp"

namespace tsrec::host {

namespace {

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

}  // namespace

int command_plan(const Arguments& arguments) {
  const Opened opened = open_experiment(arguments, named_experiment(arguments));
  const Store store(arguments.store);
  const std::vector<StageResult> plan = plan_stages(opened.experiment, store);
  size_t width = 24;
  for (const StageResult& stage : plan) width = std::max(width, stage.id.text().size());
  for (size_t i = 0; i < plan.size(); ++i) {
    const bool is_stored = plan[i].state == StageResult::State::stored;
    std::cout << std::left << std::setw(static_cast<int>(width) + 2) << plan[i].id.text()
              << (is_stored ? "stored" : "runs: " + plan[i].why) << '\n';
    if (!arguments.origins) continue;
    for (const PartChoice& part : opened.experiment.stages[i].parts) print_origins(part, "");
  }
  return kFine;
}

}  // namespace tsrec::host
