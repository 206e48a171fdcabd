// The experiment document: TOML with includes, fragments and overrides. Every value keeps where it
// came from.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "support/api.hpp"
#include "tsrec/plugin.hpp"

namespace tsrec::host {

struct TSREC_HOST_API Origin {
  std::string file;  // "" for a flag or a default
  int line = 0, column = 0;
  std::string text() const;  // "configs/sid/rq.toml:3:1", "--set", "default"
  std::string flag;          // "--set", "--with x.toml"
};

// A plain value tree, so that toml++ stays inside document.cpp. Tables keep the order of first
// appearance.
class TSREC_HOST_API Node {
 public:
  using Table = std::vector<std::pair<std::string, Node>>;
  using List = std::vector<Node>;
  std::variant<std::monostate, bool, int64_t, double, std::string, List, Table> value;
  Origin origin;
  mutable bool consumed = false;  // somebody asked for it; a leftover is an error
  mutable std::string
      resolved;  // TOML text that replaces the value in resolved_toml(): an absolute path

  bool is_table() const { return std::holds_alternative<Table>(value); }
  bool is_list() const { return std::holds_alternative<List>(value); }
  const Node* find(
      std::string_view key) const;  // marks as consumed; null when absent or not a table
  Node& set(std::string_view key, Node child);  // replaces or appends
  bool erase(std::string_view key);
  std::string toml() const;                  // a document (of a table) or a value, as TOML text
  bool operator==(const Node& other) const;  // of the values; where they come from is no matter
  void merge(const Node& over);              // `over` wins; see Document
  void consume_all() const;                  // it and everything below is somebody's: no leftovers
};

struct DocumentRequest {
  std::filesystem::path file;               // a .toml file or a folder that holds experiment.toml
  std::vector<std::filesystem::path> with;  // --with FILE, in order
  std::vector<std::string> set;             // --set a.b=value, in order
  // A compare cell: dotted path -> value, in order; "include" adds files.
  using Overrides = std::vector<std::pair<std::string, Node>>;
  Overrides overrides;
  std::string overrides_flag;  // how the cell is named in origins
};

// Merged by precedence: include < the file itself < --with < compare cell < --set.
//
// Lists of parts ([[task]], [[stage]], [[recommender]], nested ones such as [[stage.reward]]) merge
// by name (default: use): an entry of a later layer changes the entry of its name, where it stands;
// a new name is appended. --set reaches an entry by its name: stage.grpo.max_steps=10. One layer
// may use a name once. A layer that changes `use` drops the old part's own keys.
//
// Files named "tsrec:..." lie in the installation's share/tsrec. Throws ConfigError with
// file:line:column for bad TOML, missing files, include cycles, bad paths, names given twice.
class TSREC_HOST_API Document {
 public:
  static Document load(const DocumentRequest& request);
  const Node& root() const { return root_; }
  std::filesystem::path file() const { return file_; }
  std::string name() const;           // [run] name, else the folder's name
  std::string resolved_toml() const;  // re-runs the experiment
  // Collects errors; throw_if_any() prints all of them in one ConfigError.
  void complain(const Origin& where, const std::string& sentence) const;
  // Keys and tables that nobody consumed, with suggestions. tables: what an experiment may have at
  // its top.
  void complain_about_leftovers(const std::vector<std::string>& tables) const;
  void throw_if_any() const;

 private:
  Node root_;
  std::filesystem::path file_;
  mutable std::vector<std::string> complaints_;
};

// Fills the fields from the table: types, ranges, names, required, old names, checks. Fields that
// are parts are left to the registry; keys in `others` are somebody else's. All problems go to
// document.complain(). what: "quantizer 'rq_kmeans'".
struct BoundOption {
  std::string key, value, origin;  // TOML text; "default" when not given
  bool in_key = true, is_default = true;
  std::filesystem::path content;  // a path whose files count, not where they are
  std::string recommender = {};   // the entry of [[recommender]] that it names
  std::string needed_kind = {};   // of which, with this value, the experiment must have a part
};
TSREC_HOST_API std::vector<BoundOption> bind(Options& options, const Node& table,
                                             const std::string& what,
                                             const std::vector<std::string>& others,
                                             const Document& document);

}  // namespace tsrec::host
