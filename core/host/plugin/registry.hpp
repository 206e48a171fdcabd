// Finds plugins, checks their facts before loading, loads the ones an experiment names, never
// unloads them.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/document.hpp"
#include "support/api.hpp"
#include "tsrec/plugin.hpp"

namespace tsrec::host {

// A plugin that was asked for is missing or cannot be used; exit code 3.
class TSREC_HOST_API PluginError : public Error {
 public:
  using Error::Error;
  ~PluginError() override;
};

struct SearchPlace {
  std::string origin;  // "--plugins", "TSREC_PLUGIN_PATH", "beside the experiment", "installed"
  std::filesystem::path folder;
  bool exists = false;
  int64_t num_files = 0;
};

struct PluginFile {
  std::filesystem::path file;
  std::string origin, refusal;       // refusal: "" when it can be used, else the sentence
  const PluginInfo* info = nullptr;  // once loaded
};

// A part of an experiment: chosen by `use`, its settings bound and checked.
class TSREC_HOST_API PartChoice {
 public:
  std::string kind, use, name;  // name: unique in its list, default = use
  const PartInfo* info = nullptr;
  const PluginFile* plugin = nullptr;
  std::vector<BoundOption> options;
  std::shared_ptr<void> settings;
  std::optional<int64_t> seed;  // the host's key `seed`: pins the randomness of the part's stage
  Origin origin;
  std::string key_text()
      const;  // "part quantizer/rq_kmeans contract 1 revision 3" + "option codes = 256" lines

  template <class Interface>
  std::shared_ptr<Interface> make(Context& context) const {
    return std::static_pointer_cast<Interface>(make_part(Interface::kKind, context));
  }

 private:
  std::shared_ptr<Part> make_part(const char* expected_kind, Context& context) const;
};

class TSREC_HOST_API Registry {
 public:
  // Search order: --plugins DIR, TSREC_PLUGIN_PATH, plugins/ beside the experiment,
  // <prefix>/lib/tsrec/plugins/<kind>.
  Registry(const std::vector<std::filesystem::path>& plugin_dirs,
           const std::filesystem::path& experiment_folder);
  const std::vector<SearchPlace>& places() const { return places_; }
  std::vector<std::shared_ptr<PluginFile>>& files() { return files_; }
  void load_all();  // for list, describe, doctor: refusals are remembered, not thrown
  std::vector<std::pair<const PartInfo*, const PluginFile*>> parts(std::string_view kind = "");
  // Loads what is needed to find kind/use ("rq_kmeans" or "acme.opq/rq_kmeans"). Throws Error with
  // the refusal sentence.
  std::pair<const PartInfo*, const PluginFile*> find(std::string_view kind, std::string_view use,
                                                     const Origin& asked);
  // table: { use = "rq_kmeans", <options> } -> bound choice; problems go to document.complain().
  PartChoice choose(std::string_view kind, const Node& table,
                    const std::vector<std::string>& host_keys, const Document& document);

 private:
  void load(PluginFile& file);
  std::vector<SearchPlace> places_;
  std::vector<std::shared_ptr<PluginFile>> files_;
};

TSREC_HOST_API const std::vector<std::string>& part_kinds();
TSREC_HOST_API std::string read_facts(
    const std::filesystem::path& file);  // "" when the file holds none; nothing is run
// "" or the sentence that says which facts differ and what to do.
TSREC_HOST_API std::string compare_facts(const std::filesystem::path& file,
                                         const std::string& plugin_facts);

}  // namespace tsrec::host
