#include <iostream>

#include "commands/commands.hpp"
#include "commands/experiment_data.hpp"
#include "commands/open.hpp"
#include "pipeline/artefacts.hpp"
#include "pipeline/parts.hpp"
#include "pipeline/run_context.hpp"
#include "pipeline/run_record.hpp"
#include "pipeline/runner.hpp"
#include "report/atomic_files.hpp"
#include "serving/stored_model.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

// Of a run what it recorded; of an experiment what its source gives.
Dataset data_of(const Arguments& arguments, const std::string& named) {
  const Store store(arguments.store);
  const fs::path run = recorded_run(arguments, named);
  if (!run.empty())
    return read_dataset(
        serving::stored_folder(read_run_record(run, store), {StageId::Role::load}, named));
  const Opened opened = open_experiment(arguments, named);
  watch_endings();
  const Stage& load = opened.experiment.stages.front();
  RunContext context(settings_of(load, opened.experiment.run), load.id.text(), /*curve=*/"");
  return experiment_data(opened.experiment, store, context);
}

// What the files are called: as the folder.
std::string name_of_folder(const fs::path& folder) {
  const fs::path whole = fs::absolute(folder).lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

}  // namespace

int command_export_data(const Arguments& arguments) {
  if (arguments.words.size() != 2)
    throw ConfigError(
        "export-data needs a run or an experiment, and a folder that does not exist yet");
  const fs::path folder = arguments.words[1];
  if (fs::exists(folder))
    throw ConfigError("'", folder.string(), "' exists already; name another folder");
  const std::string name = name_of_folder(folder);
  const Dataset data = data_of(arguments, arguments.words[0]);
  const fs::path unfinished = folder.parent_path() / (name + ".unfinished");
  fs::remove_all(unfinished);
  fs::create_directories(unfinished);
  const int64_t events = write_atomic_files(data, unfinished, name);
  fs::rename(unfinished, folder);
  std::cout << "wrote " << folder.string() << ": " << name << ".inter (" << events << " events), "
            << name << ".item (" << data.items.size()
            << " items), and the rows of train, valid and "
            << "test (" << data.train.size() << " / " << data.valid.size() << " / "
            << data.test.size() << ") in " << name << ".train.inter and so on\n";
  for (const std::string& column : data.items.tensor_columns())
    std::cout << "left out: the tensor '" << column << "', for which these files have no form\n";
  return kFine;
}

}  // namespace tsrec::host
