#include <algorithm>
#include <iostream>

#include "commands/command_table.hpp"
#include "tsrec/error.hpp"

namespace tsrec::host {
namespace {

std::string padded(const std::string& text, size_t width) {
  return text + std::string(text.size() < width ? width - text.size() : 0, ' ');
}

void print_overview() {
  std::cout << "tsrec COMMAND [ARGUMENTS] [FLAGS]\n\n";
  for (const Command& command : commands()) {
    if (!command.is_hidden())
      std::cout << "  " << padded(command.name, 12) << padded(command.arguments, 25)
                << command.summary << '\n';
  }
  std::cout
      << "\ntsrec help COMMAND, or tsrec COMMAND --help, shows its flags and an example; tsrec "
         "--version says what this one is.\n\n"
         "Exit codes: 0 fine, 1 numbers differ from expected.toml, 2 the experiment is "
         "wrong, 3 a plugin cannot be used,\n"
         "4 a stage or its data failed, 5 interrupted (run again to go on).\n";
}

void print_command(const Command& command) {
  std::cout << "tsrec " << command.name << (command.arguments.empty() ? "" : " ")
            << command.arguments << (command.flags.empty() ? "" : " [FLAGS]") << "\n\n"
            << command.summary << "\n\n"
            << command.details << "\n\n";
  const auto usage = [](const Flag& flag) {
    return std::string("--") + flag.name + (flag.has_value() && !flag.may_lack_value() ? " " : "") +
           flag.value;
  };
  size_t width = 0;
  for (const Flag* flag : command.flags) width = std::max(width, usage(*flag).size());
  for (const Flag* flag : command.flags)
    std::cout << "  " << padded(usage(*flag), width + 2) << flag->help << '\n';
  std::cout << (command.flags.empty() ? "" : "\n") << "Example:  " << command.example << '\n';
}

}  // namespace

void print_version() {
  std::cout << "tsrec " << TSREC_VERSION << "\nLibTorch " << TORCH_VERSION
            << "\nplugins are built with " << TSREC_FACTS << '\n';
}

int command_help(const Arguments& arguments) {
  if (arguments.words.size() > 1) throw ConfigError("help takes at most one command");
  if (arguments.words.empty()) {
    print_overview();
  } else {
    print_command(command_named(arguments.words.front()));
  }
  return kFine;
}

}  // namespace tsrec::host
