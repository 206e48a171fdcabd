#include "commands/commands.hpp"
#include "commands/open.hpp"
#include "pipeline/isolation.hpp"
#include "support/log.hpp"

namespace tsrec::host {

int command_stage(const Arguments& arguments) {
  if (arguments.words.size() != 2)
    throw ConfigError(
        "stage needs the folder of a run and the name of a stage; --isolate calls it");
  const std::filesystem::path folder = arguments.words[0];
  Opened opened = open_experiment(arguments, folder.string());
  std::vector<Stage>& stages = opened.experiment.stages;
  const std::vector<Stage>& more = opened.experiment.validations;  // where it belongs to a trial
  stages.insert(stages.end(), more.begin(), more.end());
  log_to_file(folder / "log.txt");
  prepare_process(opened.experiment.run);
  watch_process(/*is_child=*/true, /*isolates=*/false);
  return make_in_this_child(opened.experiment, Store(arguments.store), arguments.words[1], folder);
}

}  // namespace tsrec::host
