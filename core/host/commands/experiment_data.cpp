#include "commands/experiment_data.hpp"

#include "pipeline/artefacts.hpp"
#include "pipeline/parts.hpp"
#include "pipeline/runner.hpp"
#include "tsrec/parts/source.hpp"

namespace tsrec::host {

Dataset experiment_data(const Experiment& experiment, const Store& store, Context& context) {
  const StageResult load = plan_stages(experiment, store).front();
  if (load.state == StageResult::State::stored) return read_dataset(load.folder);
  return experiment.parts->source.make<Source>(context)->load(context);
}

}  // namespace tsrec::host
