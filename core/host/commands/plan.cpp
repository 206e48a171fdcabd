#include <iomanip>
#include <iostream>

#include "commands/commands.hpp"
#include "commands/open.hpp"
#include "pipeline/runner.hpp"

namespace tsrec::host {

int command_plan(const Arguments& arguments) {
  const Opened opened = open_experiment(arguments, named_experiment(arguments));
  const Store store(arguments.store);
  const std::vector<StageResult> plan = plan_stages(opened.experiment, store);
  for (size_t i = 0; i < plan.size(); ++i) {
    const bool is_stored = plan[i].state == StageResult::State::stored;
    std::cout << std::left << std::setw(26) << plan[i].id.text()
              << (is_stored ? "stored" : "runs: " + plan[i].why) << '\n';
    if (!arguments.origins) continue;
    for (const PartChoice& part : opened.experiment.stages[i].parts) {
      std::cout << "    " << part.kind << " " << part.use << "  " << part.origin.text() << '\n';
      for (const BoundOption& option : part.options) {
        std::cout << "      " << option.key << " = " << option.value << "  (" << option.origin
                  << ")\n";
      }
    }
  }
  return kFine;
}

}  // namespace tsrec::host
