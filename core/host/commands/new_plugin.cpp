#include <iostream>

#include "commands/commands.hpp"
#include "config/document.hpp"
#include "plugin/registry.hpp"
#include "support/installation.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

// "my_quantizer" -> "MyQuantizer".
std::string pascal(const std::string& name) {
  std::string text;
  bool is_start = true;
  for (const char c : name) {
    if (c != '_')
      text += is_start ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    is_start = c == '_';
  }
  return text;
}

// With the kind behind it, so that no name of the SDK ("settings", "reward") is taken again.
std::string class_name(const std::string& name, const std::string& kind) {
  const std::string own = pascal(name), suffix = pascal(kind);
  if (own == suffix) return own + "Part";
  return own.ends_with(suffix) ? own : own + suffix;
}

// A part of that name would have to be called by its plugin's name as well.
void check_free(const Kind& kind, const std::string& name, const Arguments& arguments) {
  Registry registry(arguments.plugins, arguments.experiment);
  registry.load_all();
  for (const auto& [part, file] : registry.parts(kind.name)) {
    if (part->name == name)
      throw ConfigError("there is a ", kind.name, " '", name, "' already, in ", file->info->name,
                        " ('", file->file.string(), "'); choose another name");
  }
}

std::string filled(std::string text, const std::map<std::string, std::string>& values) {
  for (const auto& [key, value] : values) {
    const std::string mark = "@" + key + "@";
    for (size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += value.size())
      text.replace(at, mark.size(), value);
  }
  return text;
}

}  // namespace

int command_new(const Arguments& arguments) {
  if (arguments.words.size() != 3 || arguments.words[0] != "plugin")
    throw ConfigError(
        "new needs a kind and a name, such as: tsrec new plugin quantizer my_quantizer");
  const Kind& kind = named_kind(arguments.words[1]);
  const std::string& name = arguments.words[2];
  if (!is_part_name(name)) {
    throw ConfigError("'", name,
                      "' is no name for a part; begin with a-z and go on with a-z, 0-9 and ",
                      "_, such as my_quantizer");
  }
  check_free(kind, name, arguments);
  const fs::path folder = name, templates = share_folder() / "template";
  if (fs::exists(folder))
    throw ConfigError("'", name,
                      "' exists already; choose another name, or another folder to be in");
  if (!fs::exists(templates / kind.name))
    throw DataError("'", (templates / kind.name).string(),
                    "' is missing; install tsrec again, all of it");
  const std::map<std::string, std::string> values = {{"NAME", name},
                                                     {"CLASS", class_name(name, kind.name)},
                                                     {"KIND", kind.name},
                                                     {"VERSION", TSREC_VERSION}};
  const fs::path unfinished = name + ".unfinished";
  fs::remove_all(unfinished);
  fs::create_directories(unfinished);
  // Files of the template are named part*: they become NAME*.
  for (const fs::path& source : {templates / "any", templates / kind.name}) {
    for (const auto& entry : fs::directory_iterator(source)) {
      std::string file = entry.path().filename().string();
      if (file.ends_with(".in")) file.resize(file.size() - 3);
      if (file.starts_with("part")) file = name + file.substr(4);
      if (file == "gitignore") file = ".gitignore";
      io::write_text(unfinished / file, filled(io::read_text(entry.path()), values));
    }
  }
  fs::rename(unfinished, folder);
  std::cout << "made " << name << "/  (" << kind.name << ": " << kind.does << ")\n\n  cd " << name
            << "\n  cmake --preset dev && cmake --build --preset dev && ctest --preset dev\n"
            << "  tsrec run experiment.toml\n";
  return kFine;
}

}  // namespace tsrec::host
