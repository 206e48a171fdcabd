// A comma is a part of a title, or of a list behind --set, and separates nothing.
#define CXXOPTS_VECTOR_DELIMITER '\0'
#include <algorithm>
#include <cxxopts.hpp>
#include <iostream>

#include "commands/command_table.hpp"
#include "config/document.hpp"
#include "plugin/attribution.hpp"
#include "plugin/registry.hpp"
#include "tsrec/error.hpp"
#include "tsrec/memory.hpp"
#include "tsrec/suggest.hpp"

namespace tsrec::host {
namespace {

constexpr const char* kVersion = "version";

// A line of the shell, read with these flags in mind.
struct Line {
  std::vector<std::string> words;
  std::vector<std::pair<std::string, std::string>> flags;  // name, value; in their order
  std::vector<std::string> unknown;                        // as they stand there: "--top"
  bool asks_for_help = false, asks_for_version = false;
};

Line read_line(const std::vector<const Flag*>& flags, int argc, char** argv) {
  cxxopts::Options options("tsrec");
  options.allow_unrecognised_options();
  auto add = options.add_options();
  using Texts = std::vector<std::string>;
  add("h,help", "")(kVersion, "")("words", "", cxxopts::value<Texts>());
  for (const Flag* flag : flags) {
    if (flag->may_lack_value())
      add(flag->name, "", cxxopts::value<Texts>()->implicit_value(kToOutput));
    else if (flag->has_value())
      add(flag->name, "", cxxopts::value<Texts>());
    else
      add(flag->name, "");
  }
  options.parse_positional({"words"});
  const auto result = options.parse(argc, argv);
  Line line;
  line.asks_for_help = result.count("help") > 0;
  line.asks_for_version = result.count(kVersion) > 0;
  line.unknown = result.unmatched();
  for (const auto& argument : result.arguments()) {
    if (argument.key() == "words") {
      line.words.push_back(argument.value());
    } else if (argument.key() != "help" && argument.key() != kVersion) {
      line.flags.emplace_back(argument.key(), argument.value());
    }
  }
  return line;
}

// Of all commands, so that the command is found whatever stands before it.
std::vector<const Flag*> all_flags() {
  std::vector<const Flag*> all;
  for (const Command& command : commands()) {
    for (const Flag* flag : command.flags) {
      const bool is_known = std::any_of(all.begin(), all.end(), [&](const Flag* known) {
        return std::string_view(known->name) == flag->name;
      });
      if (!is_known) all.push_back(flag);
    }
  }
  return all;
}

[[noreturn]] void refuse_flag(const Command& command, const std::string& given) {
  std::vector<std::string> own, takers;
  for (const Flag* flag : command.flags) own.push_back(std::string("--") + flag->name);
  const std::string flag = given.substr(0, given.find('='));
  for (const Command& other : commands()) {
    const bool takes = flag.starts_with("--") && other.flag(flag.substr(2)) != nullptr;
    if (takes && !other.is_hidden()) takers.push_back(other.name);
  }
  const std::string close = suggest(flag, own);
  throw ConfigError("'", command.name, "' takes no ", flag,
                    takers.empty()
                        ? ""
                        : " (" + c10::Join(", ", takers) + (takers.size() > 1 ? " do)" : " does)"),
                    own.empty() ? "; it has no flags" : "; its flags are " + c10::Join(", ", own),
                    close.starts_with("; did you mean") ? close : "");
}

// With the part whose call it came out of, if it was one.
void complain(const std::exception& error) {
  std::cerr << "tsrec: " << error.what() << whose_call(std::current_exception()) << std::endl;
}

int dispatch(int argc, char** argv) {
  const Line any = read_line(all_flags(), argc, argv);
  if (any.words.empty() && any.asks_for_version) {
    print_version();
    return kFine;
  }
  if (any.words.empty() && !any.unknown.empty())
    throw ConfigError("there is no flag ", any.unknown.front(),
                      " without a command before it; tsrec help lists the commands");
  if (any.words.empty()) {
    command_help(Arguments());
    return any.asks_for_help ? kFine : kBadConfig;
  }
  const Command& command = command_named(any.words.front());
  const Line line = read_line(command.flags, argc, argv);
  Arguments arguments;
  if (line.asks_for_help) {
    arguments.words = {command.name};
    return command_help(arguments);
  }
  if (!line.unknown.empty()) refuse_flag(command, line.unknown.front());
  if (line.asks_for_version) refuse_flag(command, std::string("--") + kVersion);
  if (const char* store = std::getenv("TSREC_STORE")) arguments.store = store;
  arguments.words.assign(line.words.begin() + 1, line.words.end());
  for (const auto& [name, value] : line.flags) command.flag(name)->take(arguments, value);
  return command.run(arguments);
}

}  // namespace
}  // namespace tsrec::host

int tsrec_main(int argc, char** argv) {
  using namespace tsrec;
  using namespace tsrec::host;
  keep_freed_memory();
  try {
    return dispatch(argc, argv);
  } catch (const cxxopts::exceptions::exception& error) {
    std::cerr << "tsrec: " << error.what() << "; tsrec help COMMAND lists its flags" << std::endl;
    return kBadConfig;
  } catch (const ConfigError& error) {
    complain(error);
    return kBadConfig;
  } catch (const DataError& error) {
    complain(error);
    return kFailed;
  } catch (const Interrupted& error) {
    complain(error);
    return kStopped;
  } catch (const PluginError& error) {
    complain(error);
    return kBadPlugin;
  } catch (const std::exception& error) {
    complain(error);
    return kFailed;
  }
}
