// The parts that plugins offer, and the choices an experiment makes among them.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/document.hpp"
#include "plugin/finder.hpp"
#include "plugin/kinds.hpp"
#include "support/api.hpp"
#include "tsrec/plugin.hpp"

namespace tsrec::host {

// A plugin that is there cannot be used; exit code 3.
class TSREC_HOST_API PluginError : public Error {
 public:
  using Error::Error;
  ~PluginError() override;
};

// Lines of a key for the files behind an option: see Store::content_lines().
using ContentLines =
    std::function<std::string(const std::string& option, const std::filesystem::path& path)>;
// "option codes = 256" lines for the options that decide results: `word`, then the option's name
// behind `path`.
TSREC_HOST_API std::string key_lines(const std::string& word, const std::string& path,
                                     const std::vector<BoundOption>& options,
                                     const ContentLines& content);

// What the host itself reads in the table of any part.
struct TSREC_HOST_API EntryKeys {
  void declare(Options& options);

  std::string use, name;
  bool enabled = true;
  int64_t seed = -1;  // of the part's stage; -1: the run's
};

// What the host reads beside those in an entry of a list of parts that is weighted().
struct TSREC_HOST_API WeightKey {
  void declare(Options& options);

  double weight = 1;
};

// Behind the guard of its kind; whatever it does is done under this identity. Throws what its
// constructor throws.
TSREC_HOST_API std::shared_ptr<Part> make_guarded(const PartInfo& info, const void* settings,
                                                  const Identity& identity, Context& context);

struct OwnedPart;

// A part of an experiment: chosen by `use`, its settings bound and checked.
class TSREC_HOST_API PartChoice {
 public:
  std::string kind, use, name;  // name: unique in its list, default = use
  const PartInfo* info = nullptr;
  const PluginFile* plugin = nullptr;
  std::vector<BoundOption> options, host_options;  // its own, and the host's in the same table
  std::vector<OwnedPart> parts;                    // that these are, bound in the settings
  std::shared_ptr<void> settings;
  std::optional<int64_t> seed;  // the host's key `seed`: pins the randomness of the part's stage
  Origin origin;
  // "part quantizer/rq_kmeans of tsrec.rq_kmeans contract 1 revision 3", then its own options and
  // those of the host ("option codes = 256"). A plugin from outside the installation whose version
  // is still 0.x is under development: the digest of its file enters, so that every rebuild runs
  // its stages again. below: the option that it is of another part.
  std::string key_text(const ContentLines& content, const std::string& below = "") const;
  // "quantizer 'opq' (acme.opq 1.2.0, my/opq.so)"
  std::string described() const;
  // The kinds of part that it says it needs: by kNeeds, or by the value of an option.
  std::set<std::string> needed_kinds() const;
  // Whether the part, or one that it owns, says that it needs one of this kind.
  bool needs(std::string_view wanted) const;
  // The entries of [[recommender]] that options of it, or of a part that it owns, name.
  std::set<std::string> recommenders() const;

  // See make_guarded().
  std::shared_ptr<Part> make(const char* expected_kind, Context& context) const;
  template <class Interface>
  std::shared_ptr<Interface> make(Context& context) const {
    return std::static_pointer_cast<Interface>(make(Interface::kKind, context));
  }
};

struct TSREC_HOST_API OwnedPart {
  std::string path;  // "of", or "reward.exact_match" in a list
  PartChoice choice;
};

class TSREC_HOST_API Registry {
 public:
  Registry(const std::vector<std::filesystem::path>& plugin_dirs,
           const std::filesystem::path& experiment_folder);
  const std::vector<SearchPlace>& places() const { return search_.places; }
  const std::vector<std::shared_ptr<PluginFile>>& files() const { return search_.files; }
  void load_all();  // for list, describe, doctor: refusals are remembered, not thrown
  // Of the loaded files, by kind and name.
  std::vector<std::pair<const PartInfo*, const PluginFile*>> parts(std::string_view kind = "");
  // Loads what is needed to find kind/use ("rq_kmeans" or "acme.opq/rq_kmeans"). Throws
  // ConfigError: nobody offers it; PluginError: nobody does, but some plugin cannot be used, or two
  // plugins do.
  std::pair<const PartInfo*, const PluginFile*> find(std::string_view kind, std::string_view use,
                                                     const Origin& asked);
  // table: { use = "rq_kmeans", <options> } -> bound choice; problems go to document.complain().
  // host: what else the host reads in this table; bound here as well.
  PartChoice choose(std::string_view kind, const Node& table, const Document& document,
                    Options host = {});

 private:
  // The parts that an option of `owner`, or of the host in its table, is.
  void fill(const Field& field, AnySlot& slot, const Node& table, PartChoice& owner,
            const Document& document);
  std::string searched() const;  // for messages
  PluginSearch search_;
};

}  // namespace tsrec::host
