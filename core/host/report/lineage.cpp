#include "report/lineage.hpp"

#include "pipeline/settings.hpp"

namespace tsrec::host {
namespace {

using Role = StageId::Role;

// The name that a model's column has; "" where the stage makes no model that could be evaluated.
std::string model_of(const StageId& id) {
  if (id.role == Role::extend) return kUntrained;
  return id.role == Role::train ? id.of : "";
}

}  // namespace

Lineage lineage_of(const Experiment& experiment) {
  Lineage lineage;
  for (const Stage& stage : experiment.stages) {
    if (stage.id.role != Role::train) continue;
    for (const StageId& input : stage.inputs) {
      if (const std::string before = model_of(input); !before.empty())
        lineage[model_of(stage.id)] = before;
    }
  }
  return lineage;
}

}  // namespace tsrec::host
