#include <iomanip>
#include <iostream>

#include "commands/commands.hpp"
#include "plugin/registry.hpp"

namespace tsrec::host {
namespace {

void print_text(Registry& registry, const std::vector<std::string>& chosen) {
  for (const std::string& kind : chosen) {
    std::cout << kind << "   " << find_kind(kind)->does << '\n';
    for (const auto& [part, file] : registry.parts(kind)) {
      std::cout << "  " << std::left << std::setw(24) << part->name << part->summary;
      if (!file->is_installed())
        std::cout << "  [" << file->origin << ": " << file->file.string() << "]";
      std::cout << '\n';
    }
  }
}

void print_markdown(Registry& registry, const std::vector<std::string>& chosen) {
  std::cout << "| kind | part | what it does | plugin |\n|---|---|---|---|\n";
  for (const std::string& kind : chosen) {
    for (const auto& [part, file] : registry.parts(kind)) {
      const std::string folder = kind + "/" + file->file.stem().string();
      std::cout << "| " << kind << " | `" << part->name << "` | " << part->summary << " | ["
                << folder << "](" << folder << ") |\n";
    }
  }
}

}  // namespace

int command_list(const Arguments& arguments) {
  if (arguments.words.size() > 1) throw ConfigError("list takes at most one kind of part");
  std::vector<std::string> chosen = kind_names();
  if (!arguments.words.empty()) chosen = {named_kind(arguments.words.front()).name};
  Registry registry(arguments.plugins, arguments.experiment);
  registry.load_all();
  arguments.markdown ? print_markdown(registry, chosen) : print_text(registry, chosen);
  for (const SearchPlace& place : registry.places()) {
    if (place.problem.starts_with("cannot be read") || place.problem.starts_with("was read"))
      std::cerr << "warning: '" << place.folder.string() << "' " << place.problem << '\n';
  }
  for (const auto& file : registry.files()) {
    if (!file->refusal.empty()) std::cerr << "warning: " << file->refusal << '\n';
  }
  return kFine;
}

}  // namespace tsrec::host
