// The data set of an experiment.
#pragma once

#include "pipeline/pipeline.hpp"
#include "pipeline/store.hpp"
#include "tsrec/data.hpp"

namespace tsrec::host {

// As it is stored; read anew by the source, and not stored, where it is not. context: of the stage
// that loads it.
Dataset experiment_data(const Experiment& experiment, const Store& store, Context& context);

}  // namespace tsrec::host
