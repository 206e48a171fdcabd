// The page of one or several runs, and what a paper needs of them.
#include <iostream>

#include "commands/commands.hpp"
#include "commands/report_files.hpp"
#include "commands/reported.hpp"

namespace tsrec::host {

namespace fs = std::filesystem;

int command_report(const Arguments& arguments) {
  if (arguments.words.empty())
    throw ConfigError(
        "report needs a run, an experiment, or the folder of a comparison or a tuning; or several");
  const Store store(arguments.store);
  const Reported found = reported(arguments, store);
  if (asks_for_files(arguments)) {
    write_report_files(arguments, found, store);
    if (arguments.out.empty()) return kFine;
  }
  const fs::path file = arguments.out.empty() ? found.folder / kPageFile : arguments.out;
  write_page(found, store, file);
  std::cout << "wrote " << file.string() << std::endl;
  return kFine;
}

}  // namespace tsrec::host
