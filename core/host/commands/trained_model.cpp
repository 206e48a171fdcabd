#include "commands/trained_model.hpp"

namespace tsrec::host {

namespace fs = std::filesystem;

WorldFolders folders_of(const Experiment& experiment, const Store& store, const std::string& of) {
  const std::vector<StageResult> plan = plan_stages(experiment, store);
  std::vector<std::string> known;
  const StageResult* model = nullptr;
  for (const StageResult& stage : plan) {
    if (!stage.name.starts_with("stage.")) continue;
    known.push_back(stage.name.substr(6));
    if (of.empty() || of == known.back()) model = &stage;
  }
  if (model == nullptr) {
    throw ConfigError(known.empty() ? "the experiment trains no model"
                                    : "there is no stage '" + of + "'" + suggest(of, known));
  }
  WorldFolders folders;
  const auto take = [&](const std::string& name, fs::path& folder) {
    for (const StageResult& stage : plan) {
      if (stage.name != name) continue;
      if (stage.state != StageResult::State::stored) {
        throw ConfigError("'", name, "' is not in the store (", stage.why,
                          "); run the experiment first:  tsrec run");
      }
      folder = stage.folder;
    }
  };
  take("load", folders.load);
  take("resolve", folders.resolve);
  take("extract", folders.extract);
  take(model->name, folders.model);
  return folders;
}

}  // namespace tsrec::host
