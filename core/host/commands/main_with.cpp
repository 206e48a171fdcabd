// A comma is a part of a title, or of a list behind --set, and separates nothing.
#define CXXOPTS_VECTOR_DELIMITER '\0'
#include <cxxopts.hpp>
#include <iostream>

#include "commands/commands.hpp"
#include "commands/open.hpp"
#include "config/document.hpp"
#include "plugin/registry.hpp"
#include "tsrec/memory.hpp"

namespace tsrec::host {
namespace {

struct Command {
  const char* name;
  int (*run)(const Arguments&);
  const char* summary;
};
constexpr Command kCommands[] = {
    {"run", command_run, "EXPERIMENT   runs what is not stored yet, then reports"},
    {"plan", command_plan,
     "EXPERIMENT   which stages would run, and why; --origins shows every value"},
    {"compare", command_compare,
     "EXPERIMENT   runs the cells and seeds of its [compare]; or RUN RUN...: runs side by side"},
    {"recommend", command_recommend,
     "RUN ITEM...  what a trained model offers after these items (keys or titles, oldest first)"},
    {"export", command_export,
     "RUN DIR      a trained model for transformers and vLLM, with the table of its SIDs; --of"},
    {"list", command_list, "[KIND]       the parts there are"},
    {"describe", command_describe, "KIND NAME    a part and its options; --markdown, --toml"},
    {"doctor", command_doctor, "             what this machine and this installation offer"},
    {"completion", command_completion,
     "bash | zsh   completes commands, parts and options in a shell"},
    {"stage", command_stage, ""},
    {"complete", command_complete, ""},
    {"new", command_new,
     "plugin KIND NAME   a folder with a working part, its test and an experiment"},
    {"check", command_check,
     "FILE.so      does a plugin obey the rules of its kinds? one verdict per rule"},
};

// Called by --isolate and by the shell, not by people.
bool is_hidden(const Command& command) { return std::string_view(command.summary).empty(); }

void print_help(const cxxopts::Options& options) {
  std::cout << "tsrec COMMAND [ARGUMENTS]\n\n";
  for (const Command& command : kCommands) {
    if (is_hidden(command)) continue;
    std::cout << "  " << command.name << std::string(11 - std::string(command.name).size(), ' ')
              << command.summary << '\n';
  }
  std::cout << options.help()
            << "\nExit codes: 0 fine, 1 numbers differ from expected.toml, 2 the experiment is "
               "wrong, 3 a plugin cannot be used,\n"
            << "4 a stage or its data failed, 5 interrupted (run again to go on).\n\n"
            << "  tsrec run experiments/001_demo --set quantizer.codes=64\n";
}

Arguments parsed(cxxopts::Options& options, int argc, char** argv, std::string& command) {
  options.add_options()("h,help", "this text")(
      "set", "KEY=VALUE, such as stage.sft.epochs=1 (check: PART.KEY=VALUE); may be repeated",
      cxxopts::value<std::vector<std::string>>())(
      "with", "another TOML file on top; may be repeated",
      cxxopts::value<std::vector<std::string>>())("plugins", "a folder of plugins; may be repeated",
                                                  cxxopts::value<std::vector<std::string>>())(
      "store", "where results are kept (default $TSREC_STORE or .tsrec)",
      cxxopts::value<std::string>())("check",
                                     "run: compare with expected.toml beside the experiment")(
      "isolate", "run, compare: every stage in a process of its own; a crash is a failed stage")(
      "origins", "plan: every value with its origin")(
      "of", "recommend, export: the stage whose model it is (default: the last)",
      cxxopts::value<std::string>())("top", "recommend: how many items (default 10)",
                                     cxxopts::value<int64_t>())(
      "only", "recommend: a file of item keys, one a line; nothing else is recommended",
      cxxopts::value<std::string>())(
      "where", "recommend: COLUMN=TEXT, only items with that text in that column; may be repeated",
      cxxopts::value<std::vector<std::string>>())(
      "json", "recommend: one JSON line; without items, histories come from standard input")(
      "experiment", "list, describe, doctor: also the plugins beside this experiment",
      cxxopts::value<std::string>())("markdown", "list, describe: a table for a README")(
      "toml", "describe: a block to paste")("words", "",
                                            cxxopts::value<std::vector<std::string>>());
  options.parse_positional({"words"});
  options.custom_help("[OPTIONS]");
  options.positional_help("");
  const auto result = options.parse(argc, argv);
  Arguments a;
  if (result.count("words")) a.words = result["words"].as<std::vector<std::string>>();
  if (!a.words.empty()) {
    command = a.words.front();
    a.words.erase(a.words.begin());
  }
  if (result.count("help")) command = "help";
  if (result.count("set")) a.set = result["set"].as<std::vector<std::string>>();
  for (const char* name : {"with", "plugins"}) {
    if (!result.count(name)) continue;
    for (const std::string& path : result[name].as<std::vector<std::string>>())
      (std::string(name) == "with" ? a.with : a.plugins).emplace_back(path);
  }
  for (const Command& known : kCommands) {
    if (!is_hidden(known)) a.commands.emplace_back(known.name);
  }
  for (const auto& option : options.group_help("").options) {
    for (const std::string& name : option.l) {
      if (name != "words") a.options.push_back("--" + name);
    }
  }
  if (const char* store = std::getenv("TSREC_STORE")) a.store = store;
  if (result.count("store")) a.store = result["store"].as<std::string>();
  a.check = result.count("check") > 0;
  a.isolate = result.count("isolate") > 0;
  a.origins = result.count("origins") > 0;
  a.markdown = result.count("markdown") > 0;
  a.toml = result.count("toml") > 0;
  a.json = result.count("json") > 0;
  if (result.count("experiment")) a.experiment = folder_of(result["experiment"].as<std::string>());
  if (result.count("of")) a.of = result["of"].as<std::string>();
  if (result.count("only")) a.only = result["only"].as<std::string>();
  if (result.count("where")) a.where = result["where"].as<std::vector<std::string>>();
  if (result.count("top")) a.top = result["top"].as<int64_t>();
  return a;
}

int dispatch(int argc, char** argv) {
  cxxopts::Options options("tsrec");
  std::string command;
  const Arguments arguments = parsed(options, argc, argv, command);
  if (command.empty() || command == "help") {
    print_help(options);
    return command.empty() ? kBadConfig : kFine;
  }
  std::vector<std::string> known;
  for (const Command& candidate : kCommands) {
    if (command == candidate.name) return candidate.run(arguments);
    if (!is_hidden(candidate)) known.emplace_back(candidate.name);
  }
  throw ConfigError("there is no command '", command, "'", suggest(command, known));
}

}  // namespace

int main_with(int argc, char** argv) {
  keep_freed_memory();
  try {
    return dispatch(argc, argv);
  } catch (const cxxopts::exceptions::exception& error) {
    std::cerr << "tsrec: " << error.what() << "; tsrec --help lists the options" << std::endl;
    return kBadConfig;
  } catch (const ConfigError& error) {
    std::cerr << "tsrec: " << error.what() << std::endl;
    return kBadConfig;
  } catch (const DataError& error) {
    std::cerr << "tsrec: " << error.what() << std::endl;
    return kFailed;
  } catch (const Interrupted& error) {
    std::cerr << "tsrec: " << error.what() << std::endl;
    return kStopped;
  } catch (const PluginError& error) {
    std::cerr << "tsrec: " << error.what() << std::endl;
    return kBadPlugin;
  } catch (const std::exception& error) {
    std::cerr << "tsrec: " << error.what() << std::endl;
    return kFailed;
  }
}

}  // namespace tsrec::host
