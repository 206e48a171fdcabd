#include <iomanip>
#include <iostream>

#include "commands/commands.hpp"
#include "plugin/registry.hpp"

namespace tsrec::host {

int command_list(const Arguments& arguments) {
  Registry registry(arguments.plugins, "");
  registry.load_all();
  for (const std::string& kind : part_kinds()) {
    if (!arguments.words.empty() && arguments.words.front() != kind) continue;
    std::cout << kind << '\n';
    for (const auto& [part, file] : registry.parts(kind)) {
      std::cout << "  " << std::left << std::setw(24) << part->name << part->summary;
      if (file->origin != "installed") std::cout << "  [" << file->file.string() << "]";
      std::cout << '\n';
    }
  }
  for (const auto& file : registry.files()) {
    if (!file->refusal.empty()) std::cerr << "warning: " << file->refusal << '\n';
  }
  return kFine;
}

}  // namespace tsrec::host
