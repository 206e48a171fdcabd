#include "plugin/facts.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <vector>

#include "tsrec/abi.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

using Facts = std::vector<std::pair<std::string, std::string>>;

Facts parsed(const std::string& line) {
  Facts facts;
  std::istringstream in(line);
  for (std::string part; std::getline(in, part, ';');) {
    const size_t equals = part.find('=');
    if (equals != std::string::npos) {
      facts.emplace_back(part.substr(0, equals), part.substr(equals + 1));
    } else {
      facts.emplace_back(facts.empty() ? "compiler" : "language", part);
    }
  }
  return facts;
}

// "GNU-12" -> "g++-12", as Debian calls it.
std::string command_of(const std::string& compiler) {
  const size_t dash = compiler.find('-');
  return (compiler.starts_with("CLANG") ? "clang++" : "g++") + compiler.substr(dash);
}

std::string value_of(const Facts& facts, const std::string& name) {
  for (const auto& [key, value] : facts) {
    if (key == name) return value;
  }
  return "";
}

}  // namespace

std::string unreadable(const fs::path& file) {
  const std::string name = "'" + file.string() + "'";
  std::error_code failed, ignored;
  const bool is_link = fs::is_symlink(fs::symlink_status(file, ignored));
  const fs::file_status status = fs::status(file, failed);
  if (status.type() == fs::file_type::not_found && !is_link)
    return name +
           " does not exist\n  name the file of a plugin, as tsrec_add_plugin() builds it: "
           "plugins/NAME.so";
  if (status.type() == fs::file_type::not_found || (failed && is_link))
    return name + " leads to no file: " +
           (failed ? failed.message() : std::string(std::strerror(ENOENT))) +
           "\n  remove the link, or make it point to a plugin";
  if (status.type() == fs::file_type::directory)
    return name + " is a folder; a plugin is a file\n  rename the folder, or move it out of here";
  std::ifstream in(file, std::ios::binary);
  if (!in)
    return name + " cannot be read: " + std::strerror(errno) +
           "\n  give yourself permission to read it, or move it out of here";
  std::array<char, 4> magic{};
  in.read(magic.data(), magic.size());
  if (!in || std::string_view(magic.data(), magic.size()) != "\177ELF")
    return name +
           " is no shared object: it does not begin as an ELF file\n  build it with "
           "tsrec_add_plugin(), or move it out of here";
  return "";
}

std::string read_facts(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const std::string magic = TSREC_FACTS_MAGIC;
  // The line itself begins with the compiler's name; the bare magic may occur elsewhere.
  for (size_t at = bytes.find(magic); at != std::string::npos; at = bytes.find(magic, at + 1)) {
    const size_t begin = at + magic.size(), end = bytes.find('\0', begin);
    if (end != std::string::npos && end > begin && end - begin < 1000 &&
        bytes.find(';', begin) < end) {
      return bytes.substr(begin, end - begin);
    }
  }
  return "";
}

std::string compare_facts(const fs::path& file, const std::string& plugin_facts) {
  const std::string name = "'" + file.string() + "'";
  if (plugin_facts.empty()) {
    return name +
           " is no tsrec plugin: it carries no facts line\n  build it with tsrec_add_plugin() and "
           "end its source with TSREC_PLUGIN(...)";
  }
  const Facts theirs = parsed(plugin_facts), ours = parsed(TSREC_FACTS);
  std::string differing;
  for (const auto& [key, value] : ours) {
    if (value_of(theirs, key) != value) differing += (differing.empty() ? "" : ", ") + key;
  }
  if (differing.empty()) return "";
  const std::string compiler = value_of(theirs, "compiler");
  const bool is_other_compiler = compiler != TSREC_FACT_COMPILER;
  return name + " was built " +
         (is_other_compiler ? "with " + compiler + ", and this tsrec with " + TSREC_FACT_COMPILER
                            : "for another tsrec") +
         "\n  plugin  " + plugin_facts + "\n  host    " + TSREC_FACTS +
         "\n  differs: " + differing +
         "; rebuild it against this tsrec:  cmake --preset dev --fresh" +
         (is_other_compiler ? " -DCMAKE_CXX_COMPILER=" + command_of(TSREC_FACT_COMPILER) : "") +
         " && cmake --build --preset dev";
}

}  // namespace tsrec::host
