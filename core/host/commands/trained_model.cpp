#include "commands/trained_model.hpp"

namespace tsrec::host {

namespace fs = std::filesystem;

ModelFolders folders_of(const Experiment& experiment, const Store& store, const std::string& of) {
  const std::vector<StageResult> plan = plan_stages(experiment, store);
  std::vector<std::string> known;
  const StageResult* model = nullptr;
  for (const StageResult& stage : plan) {
    if (stage.id.role != StageId::Role::train) continue;
    known.push_back(stage.id.of);
    if (of.empty() || of == known.back()) model = &stage;
  }
  if (model == nullptr) {
    throw ConfigError(known.empty() ? "the experiment trains no model"
                                    : "there is no stage '" + of + "'" + suggest(of, known));
  }
  ModelFolders folders;
  const auto take = [&](const StageId& id, fs::path& folder) {
    for (const StageResult& stage : plan) {
      if (stage.id != id) continue;
      if (stage.state != StageResult::State::stored) {
        throw ConfigError("'", id.text(), "' is not in the store (", stage.why,
                          "); run the experiment first:  tsrec run");
      }
      folder = stage.folder;
    }
  };
  using Role = StageId::Role;
  take({Role::load}, folders.load);
  take({Role::resolve}, folders.resolve);
  take({Role::extract}, folders.extract);
  take(model->id, folders.model);
  return folders;
}

}  // namespace tsrec::host
