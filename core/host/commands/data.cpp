#include <iostream>

#include "commands/commands.hpp"
#include "commands/open.hpp"
#include "pipeline/artefacts.hpp"
#include "pipeline/parts.hpp"
#include "pipeline/run_context.hpp"
#include "pipeline/runner.hpp"
#include "report/data_report.hpp"
#include "tsrec/parts/source.hpp"

namespace tsrec::host {
namespace {

// As it is stored; read anew, and not stored, where it is not.
Dataset data_of(const Experiment& experiment, const Store& store) {
  const StageResult load = plan_stages(experiment, store).front();
  if (load.state == StageResult::State::stored) return read_dataset(load.folder);
  const PartChoice& source = experiment.parts->source;
  RunContext context(settings_of(experiment.stages.front(), experiment.run), load.id.text(),
                     /*curve=*/"");
  return source.make<Source>(context)->load(context);
}

}  // namespace

int command_data(const Arguments& arguments) {
  const Opened opened = open_experiment(arguments, named_experiment(arguments));
  watch_endings();
  const PartChoice& source = opened.experiment.parts->source;
  const Dataset data = data_of(opened.experiment, Store(arguments.store));
  std::cout << source.described() << ": " << text_of(data_report(data));
  return kFine;
}

}  // namespace tsrec::host
