#include "pipeline/run_record.hpp"

#include <nlohmann/json.hpp>

#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

// The stage that has this text among those of the record.
StageId id_named(const std::string& text, const ordered_json& record) {
  const size_t dot = text.find('.');
  const std::string of = dot == std::string::npos ? "" : text.substr(dot + 1);
  const bool is_recommender = record.contains(StageId{StageId::Role::recommender, of}.text());
  for (int role = 0; role <= static_cast<int>(StageId::Role::validate); ++role) {
    StageId id{static_cast<StageId::Role>(role), of};
    if (id.role == StageId::Role::rank_recommender && !is_recommender) continue;
    if (id.text() == text) return id;
  }
  throw DataError("it names a stage '", text, "', which this version does not know");
}

StageResult found_again(const StageId& id, const ordered_json& entry, const Store& store) {
  StageResult stage;
  stage.id = id;
  stage.key = entry.at("key").get<std::string>();
  const auto digest = entry.at("digest").get<std::string>();
  if (digest.empty()) {
    const bool has_failed = entry.at("state") == name_of(StageResult::State::failed);
    if (has_failed) stage.state = StageResult::State::failed;
    stage.why = "the run ended without it (" + entry.at("state").get<std::string>() + ")";
  } else if (!store.has(stage.key)) {
    stage.why = "the run's artefact is gone";
  } else if (store.digest(stage.key) != digest) {
    stage.why = "it was made anew since then, with other bytes";
  } else {
    stage.state = StageResult::State::stored;
    stage.digest = digest;
    stage.folder = store.artefact(stage.key);
  }
  return stage;
}

}  // namespace

const char* name_of(StageResult::State state) {
  switch (state) {
    case StageResult::State::stored:
      return "stored";
    case StageResult::State::ran:
      return "ran";
    case StageResult::State::failed:
      return "failed";
    default:
      return "not run";
  }
}

void write_run_record(const std::vector<StageResult>& stages, const fs::path& run_folder) {
  ordered_json json = ordered_json::object();
  for (const StageResult& stage : stages) {
    json[stage.id.text()] = {
        {"key", stage.key}, {"digest", stage.digest}, {"state", name_of(stage.state)}};
  }
  io::write_text(run_folder / "stages.json", json.dump(1) + "\n");
}

std::vector<StageResult> read_run_record(const fs::path& run_folder, const Store& store) {
  const fs::path file = run_folder / "stages.json";
  if (!fs::exists(file)) {
    throw ConfigError("'", run_folder.string(),
                      "' has no stages.json, so it is no run that came to its end; run the "
                      "experiment again, or name the experiment itself");
  }
  std::vector<StageResult> stages;
  try {
    const ordered_json json = ordered_json::parse(io::read_text(file));
    for (const auto& [name, entry] : json.items())
      stages.push_back(found_again(id_named(name, json), entry, store));
  } catch (const std::exception& error) {
    throw DataError("'", file.string(), "' cannot be read (", error.what(),
                    "); run the experiment again, or name the experiment itself");
  }
  return stages;
}

}  // namespace tsrec::host
