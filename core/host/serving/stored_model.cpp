#include "serving/stored_model.hpp"

#include <algorithm>

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
  // Not every experiment has every stage: no extractor, no notes.
  const auto folder_of = [&](const StageId& id) {
    const bool is_there = std::any_of(stages.begin(), stages.end(),
                                      [&](const StageResult& stage) { return stage.id == id; });
    return is_there ? stored_folder(stages, id, named) : fs::path();
  };
  using Role = StageId::Role;
  ModelFolders folders;
  folders.load = folder_of({Role::load});
  folders.resolve = folder_of({Role::resolve});
  folders.extract = folder_of({Role::extract});
  folders.model = folder_of(model->id);
  return folders;
}

fs::path stored_folder(const std::vector<StageResult>& stages, const StageId& id,
                       const std::string& named) {
  for (const StageResult& stage : stages) {
    if (stage.id != id) continue;
    if (stage.state == StageResult::State::stored) return stage.folder;
    throw ConfigError("'", id.text(), "' is not in the store (", why_not_stored(stage, stages),
                      "); run the experiment first:  tsrec run ", named);
  }
  throw ConfigError("'", named, "' has no stage '", id.text(), "'");
}

}  // namespace tsrec::host::serving
