// The facts line of a plugin file, read without running anything of it.
#include <fstream>
#include <map>
#include <sstream>

#include "plugin/registry.hpp"

namespace tsrec::host {
namespace {

std::map<std::string, std::string> parsed(const std::string& facts) {
  std::map<std::string, std::string> values;
  std::istringstream in(facts);
  int position = 0;
  for (std::string part; std::getline(in, part, ';'); ++position) {
    const size_t equals = part.find('=');
    if (equals != std::string::npos) {
      values[part.substr(0, equals)] = part.substr(equals + 1);
    } else {
      values[position == 0 ? "compiler" : "language"] = part;
    }
  }
  return values;
}

}  // namespace

std::string read_facts(const std::filesystem::path& file) {
  if (!std::filesystem::is_regular_file(file)) return "";
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

std::string compare_facts(const std::filesystem::path& file, const std::string& plugin_facts) {
  if (plugin_facts.empty()) {
    return "'" + file.string() +
           "' is no tsrec plugin: it carries no facts line; build it with tsrec_add_plugin()";
  }
  const auto theirs = parsed(plugin_facts), ours = parsed(TSREC_FACTS);
  std::string differences;
  for (const auto& [name, value] : ours) {
    const auto found = theirs.find(name);
    const std::string other = found == theirs.end() ? "nothing" : found->second;
    if (other != value)
      differences +=
          (differences.empty() ? "" : ", ") + name + " " + other + " instead of " + value;
  }
  if (differences.empty()) return "";
  return "'" + file.string() + "' was built for another tsrec (" + differences +
         "); build it again against this one";
}

}  // namespace tsrec::host
