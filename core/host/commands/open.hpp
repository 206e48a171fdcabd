// From arguments to an experiment.
#pragma once

#include "commands/commands.hpp"
#include "pipeline/pipeline.hpp"

namespace tsrec::host {

struct Opened {
  std::filesystem::path folder;  // of the experiment's file
  std::shared_ptr<Registry> registry;
  Experiment experiment;
};
Opened open_experiment(const Arguments& arguments);
void prepare_process(const RunSettings& run);  // threads, deterministic algorithms

}  // namespace tsrec::host
