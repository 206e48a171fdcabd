#include "serving/stored_model.hpp"

#include "tsrec/suggest.hpp"

namespace tsrec::host::serving {

namespace fs = std::filesystem;
namespace {

// A stage has to run because of one of those before it, which knows what changed.
const StageResult& cause_of(const StageResult& stage, const std::vector<StageResult>& stages) {
  for (const StageResult& before : stages) {
    if (stage.changed_input == before.id) return cause_of(before, stages);
  }
  return stage;
}

std::string why_not_stored(const StageResult& stage, const std::vector<StageResult>& stages) {
  const StageResult& cause = cause_of(stage, stages);
  return &cause == &stage ? stage.why : c10::str("because of '", cause.id.text(), "': ", cause.why);
}

}  // namespace

ModelFolders stored_model(const std::vector<StageResult>& stages, const std::string& of,
                          const std::string& named) {
  std::vector<std::string> known;
  const StageResult* model = nullptr;
  for (const StageResult& stage : stages) {
    if (stage.id.role != StageId::Role::train) continue;
    known.push_back(stage.id.of);
    if (of.empty() || of == known.back()) model = &stage;
  }
  if (model == nullptr) {
    throw ConfigError(known.empty() ? "'" + named + "' trains no model"
                                    : "there is no stage '" + of + "'" + suggest(of, known));
  }
  ModelFolders folders;
  const auto take = [&](const StageId& id, fs::path& folder) {
    for (const StageResult& stage : stages) {
      if (stage.id != id) continue;
      if (stage.state != StageResult::State::stored) {
        throw ConfigError("'", id.text(), "' is not in the store (", why_not_stored(stage, stages),
                          "); run the experiment first:  tsrec run ", named);
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

}  // namespace tsrec::host::serving
