#include <iostream>

#include "commands/commands.hpp"
#include "commands/open.hpp"
#include "pipeline/run_archive.hpp"

namespace tsrec::host {

int command_import_run(const Arguments& arguments) {
  if (arguments.words.size() != 1)
    throw ConfigError("import-run needs one file that  tsrec export-run  wrote");
  if (!std::filesystem::exists(arguments.words.front()))
    throw ConfigError("there is no file '", arguments.words.front(),
                      "'; name one that  tsrec export-run  wrote");
  const UnpackedRun unpacked = import_run(Store(arguments.store), arguments.words.front());
  const std::string& name = unpacked.run.name;
  std::cout << "imported " << name << ": " << unpacked.run.files
            << " files, all as they were packed; " << unpacked.stored << " artefacts are new here, "
            << unpacked.known << " were here\n";
  for (const std::string& stage : unpacked.other_bytes)
    std::cout << "warning: " << stage
              << " is stored here with other bytes, which are kept; the run's own are not taken\n";
  for (const std::string& plugin : unpacked.run.plugins)
    std::cout << "it brings the plugin " << plugin
              << ", which is code: run it only where you trust who packed it\n";
  std::cout << "tsrec plan " << name << "  shows what is stored, tsrec run " << name
            << " --check  compares with its numbers\n";
  return kFine;
}

}  // namespace tsrec::host
