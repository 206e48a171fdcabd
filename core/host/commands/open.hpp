// From arguments to an experiment.
#pragma once

#include "commands/commands.hpp"
#include "pipeline/pipeline.hpp"
#include "pipeline/store.hpp"

namespace tsrec::host {

struct Opened {
  std::filesystem::path folder;  // of the experiment's file
  std::shared_ptr<Registry> registry;
  Experiment experiment;
};
// The only word behind the command; throws ConfigError when there is none, or another.
const std::string& named_experiment(const Arguments& arguments);
// named: a .toml file, a folder with an experiment.toml, or a run: its folder, or its name in the
// store.
Opened open_experiment(const Arguments& arguments, const std::string& named,
                       const DocumentRequest::Overrides& cell = {},
                       const std::string& cell_name = "",
                       const std::shared_ptr<Registry>& registry = nullptr);  // null: a new one
// The folder of the run that answers with what it recorded; empty where stages are planned: for an
// experiment, and for a run that --set or --with change.
std::filesystem::path recorded_run(const Arguments& arguments, const std::string& named);
// What is stored of it: what such a run recorded, else what its experiment plans now.
std::vector<StageResult> stages_of(const Arguments& arguments, const std::string& named,
                                   const Experiment& experiment, const Store& store);
// Where an experiment lies: itself when it is a folder, else the folder of its file.
std::filesystem::path folder_of(const std::filesystem::path& experiment);
// A run's folder when `named` is one, else empty.
std::filesystem::path run_folder(const Arguments& arguments, const std::string& named);
// A fresh folder below the store's runs/, stamped with the time and called as the run is, with the
// resolved document, the plugins, and from now on the log.
std::filesystem::path begin_run_folder(const Opened& opened, const Store& store,
                                       const std::string& ending = "");
// The store that is asked about, and is not made by being asked about.
Store existing_store(const Arguments& arguments);
// Says that the same command goes on; the exit code.
int stopped_tidily(const Interrupted& stopped);
void prepare_process(const RunSettings& run);  // threads, products, determinism
// For a process that is about to call parts: crashes and exit() are answered with a sentence, and
// with the advice behind it.
void watch_endings(const char* advice = "");
// The same for a process that runs stages, which is also asked to stop. is_child: of a run with
// --isolate, which has acknowledged the stop that it passes on.
void watch_process(bool is_child, bool isolates);

}  // namespace tsrec::host
