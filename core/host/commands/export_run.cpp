#include <iostream>

#include "commands/commands.hpp"
#include "commands/open.hpp"
#include "pipeline/run_archive.hpp"
#include "report/expected.hpp"

namespace tsrec::host {

namespace fs = std::filesystem;

// With what `run --check` of the imported run compares: the numbers of this one.
int command_export_run(const Arguments& arguments) {
  if (arguments.words.size() != 2)
    throw ConfigError("export-run needs a run, and a file that does not exist yet");
  const fs::path folder = run_folder(arguments, arguments.words[0]);
  if (folder.empty() || !fs::exists(folder / "numbers.json"))
    throw ConfigError("'", arguments.words[0],
                      "' is no run that came to its end; name a folder of ",
                      (arguments.store / "runs").string());
  const PackedRun run =
      export_run(Store(arguments.store), folder, arguments.words[1], !arguments.without_models,
                 {{"expected.toml", expected_of(stored_columns(folder))}});
  std::cout << "wrote " << arguments.words[1] << ": " << run.files << " files, " << run.bytes
            << " bytes\n";
  for (const PackedRun::Stage& stage : run.stages) {
    if (!stage.is_whole) std::cout << "left out: the model of " << stage.name << '\n';
  }
  for (const std::string& plugin : run.plugins)
    std::cout << "with the plugin " << plugin << ", which is code\n";
  return kFine;
}

}  // namespace tsrec::host
