#include "plugin/library.hpp"

#include <dlfcn.h>

#include <boost/dll/shared_library.hpp>
#include <cfenv>
#include <set>
#include <sstream>

#include "config/document.hpp"
#include "plugin/facts.hpp"
#include "plugin/kinds.hpp"
#include "plugin/probe.hpp"
#include "support/mapped_libraries.hpp"
#include "tsrec/suggest.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRebuild =
    "rebuild it against this tsrec:  cmake --preset dev --fresh && cmake --build --preset dev";

// dlerror() begins with the file's name, which the sentence has already.
std::string load_error(const fs::path& file, const std::string& fallback) {
  const char* reason = ::dlerror();
  std::string text = reason != nullptr ? reason : fallback;
  const std::string name = fs::canonical(file).string() + ": ";
  if (text.starts_with(name)) text = text.substr(name.size());
  return text;
}

std::string advice_for(const std::string& load_error) {
  if (load_error.find("undefined symbol") != std::string::npos)
    return "a plugin must link everything it uses; tsrec_add_plugin() checks this with -z defs";
  if (load_error.find("cannot open shared object file") != std::string::npos)
    return "a library that it links is missing; install it, or link it with LIBS in "
           "tsrec_add_plugin()";
  return kRebuild;
}

// A misspelt need would be one that every experiment has.
std::string wrong_needs(const PartInfo& part) {
  std::istringstream needs(part.needs == nullptr ? "" : part.needs);
  for (std::string name; needs >> name;) {
    const Kind* kind = find_kind(name);
    if (kind == nullptr)
      return " needs '" + name + "', which is no kind of part" + suggest(name, kind_names());
    if (kind->is_list) {
      std::vector<std::string> single;
      for (const Kind& other : kinds()) {
        if (!other.is_list) single.emplace_back(other.name);
      }
      return c10::str(" needs '", name, "', of which an experiment may have any number\n",
                      "  kNeeds names kinds that stand once: ", c10::Join(", ", single));
    }
  }
  return "";
}

std::string wrong_part(const PartInfo& part, const std::string& in) {
  if (part.kind == nullptr || part.name == nullptr || part.summary == nullptr)
    return in + " has a part without kind, name or summary\n  describe it with tsrec::part<...>()";
  const std::string what = std::string(part.kind) + " '" + part.name + "' in " + in;
  const Kind* kind = find_kind(part.kind);
  if (kind == nullptr)
    return what + " is of no kind that this tsrec has" + suggest(part.kind, kind_names());
  if (part.contract != kind->contract) {
    return what + " speaks contract " + std::to_string(part.contract) + " of '" + part.kind +
           "'; this tsrec speaks " + std::to_string(kind->contract) +
           "\n  CHANGELOG.md (SDK) says what changed between them; adapt the plugin and rebuild it";
  }
  if (!is_part_name(part.name))
    return what +
           " has a name that no experiment could use\n  names begin with a-z and go on with "
           "a-z, 0-9 and _";
  if (const std::string wrong = wrong_needs(part); !wrong.empty()) return what + wrong;
  return "";
}

std::string wrong_table(const PluginInfo* info, const std::string& in) {
  if (info == nullptr)
    return in +
           " has no part table: tsrec_plugin() returned null\n  end its source with "
           "TSREC_PLUGIN(...), which writes both";
  if (info->size != sizeof(PluginInfo))
    return in + " has a part table of " + std::to_string(info->size) + " bytes; this tsrec reads " +
           std::to_string(sizeof(PluginInfo)) + "\n  " + kRebuild;
  if (info->abi == nullptr || std::string(info->abi) != TSREC_FACTS)
    return in + " has a part table for another tsrec than its facts line says\n  " + kRebuild;
  if (info->name == nullptr || info->version == nullptr || info->parts == nullptr ||
      info->count == 0)
    return in + " offers no parts\n  name at least one in TSREC_PLUGIN(...)";
  std::set<std::string> seen;
  for (size_t i = 0; i < info->count; ++i) {
    const PartInfo& part = info->parts[i];
    if (const std::string wrong = wrong_part(part, in); !wrong.empty()) return wrong;
    if (!seen.insert(std::string(part.kind) + "/" + part.name).second)
      return std::string(part.kind) + " '" + part.name + "' is offered twice by " + in +
             "\n  give one of them another name in TSREC_PLUGIN(...)";
  }
  return "";
}

// What this load brought into the process a second time.
std::string second_copy(const MappedLibraries& before, const std::string& in) {
  for (const auto& [name, files] : mapped_libraries()) {
    const auto old = before.find(name);
    if (old == before.end() || files.size() == old->second.size()) continue;
    return in + " brings a second " + name + ".so into the process\n  in use  " +
           old->second.front().string() + "\n  second  " + files.back().string() +
           "\n  link the one that tsrec was built with: find_package(tsrec) finds it";
  }
  return "";
}

// Never unloaded, also not at exit: LibTorch's registries, threads and type information of a plugin
// may outlive every owner, and what they point to must still be mapped.
const boost::dll::shared_library& kept(std::unique_ptr<boost::dll::shared_library> library) {
  static auto* const all = new std::vector<std::unique_ptr<boost::dll::shared_library>>;
  all->push_back(std::move(library));
  return *all->back();
}

// How the processor rounds, and whether it takes denormal numbers for 0: what -ffast-math links
// into a library turns that on for the thread that loads it, and for every thread which that one
// starts.
class FloatingPointMode {
 public:
  FloatingPointMode() { std::fegetenv(&before_); }
  ~FloatingPointMode() { std::fesetenv(&before_); }
  FloatingPointMode(const FloatingPointMode&) = delete;
  FloatingPointMode& operator=(const FloatingPointMode&) = delete;

 private:
  std::fenv_t before_{};
};

std::string opened(PluginFile& file) {
  const std::string in = "'" + file.file.string() + "'";
  if (std::string wrong = unreadable(file.file); !wrong.empty()) return wrong;
  if (std::string wrong = compare_facts(file.file, read_facts(file.file)); !wrong.empty())
    return wrong;
  const fs::path real = fs::canonical(file.file);
  if (!file.is_installed()) {
    if (const std::string ending = probe(real); !ending.empty())
      return in + " ends the process that loads it, by " + ending +
             "\n  a static constructor throws or crashes; make such objects inside the part";
  }
  const MappedLibraries before = mapped_libraries();
  auto library = std::make_unique<boost::dll::shared_library>();
  boost::dll::fs::error_code failed;
  {
    const FloatingPointMode kept_as_it_is;
    library->load(real, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local,
                  failed);
  }
  if (failed) {
    const std::string reason = load_error(file.file, failed.message());
    return in + " cannot be loaded: " + reason + "\n  " + advice_for(reason);
  }
  const boost::dll::shared_library& plugin = kept(std::move(library));
  if (std::string wrong = second_copy(before, in); !wrong.empty()) return wrong;
  if (!plugin.has("tsrec_plugin"))
    return in +
           " has no entry 'tsrec_plugin'\n  end its source with TSREC_PLUGIN(...), once, at "
           "namespace scope";
  const PluginInfo* info = plugin.get<const PluginInfo*() noexcept>("tsrec_plugin")();
  if (std::string wrong = wrong_table(info, in); !wrong.empty()) return wrong;
  file.info = info;
  return "";
}

}  // namespace

void load(PluginFile& file) {
  if (file.info == nullptr && file.refusal.empty()) file.refusal = opened(file);
}

}  // namespace tsrec::host
