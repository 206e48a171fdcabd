#include <algorithm>
#include <iostream>

#include "commands/commands.hpp"
#include "report/report.hpp"
#include "tsrec/error.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

// A run folder, or the name of one in the store.
fs::path run_folder(const std::string& word, const fs::path& store) {
  for (const fs::path& folder : {fs::path(word), store / "runs" / word}) {
    if (fs::exists(folder / "numbers.json")) return folder;
  }
  throw ConfigError("'", word, "' is no run; name a folder of ", (store / "runs").string());
}

}  // namespace

int command_compare(const Arguments& arguments) {
  if (arguments.words.size() < 2) throw ConfigError("compare needs two or more runs");
  std::vector<fs::path> folders;
  for (const std::string& word : arguments.words)
    folders.push_back(run_folder(word, arguments.store));
  std::cout << compare_runs(folders);
  return kFine;
}

}  // namespace tsrec::host
