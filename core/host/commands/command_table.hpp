// All commands: what each is called, takes, and does.
#pragma once

#include "commands/flags.hpp"

namespace tsrec::host {

struct Command {
  std::string name, arguments;  // "describe", "KIND NAME"
  std::string summary;          // a line of the general help; "": called by other programs only
  std::string details;          // what the arguments are
  std::string example;
  std::vector<const Flag*> flags;
  int (*run)(const Arguments& arguments);
  bool is_hidden() const { return summary.empty(); }
  const Flag* flag(const std::string& flag_name) const;  // null: it takes none of that name
};

const std::vector<Command>& commands();
// Throws ConfigError, with a suggestion.
const Command& command_named(const std::string& name);
std::vector<std::string> command_names();  // without hidden ones

}  // namespace tsrec::host
