#include "report/sid_tree.hpp"

#include <nlohmann/json.hpp>

#include "report/one_line.hpp"
#include "tsrec/evenly_spaced.hpp"

namespace tsrec::host {
namespace {

using Path = std::vector<int64_t>;
using Sids = std::map<Path, std::vector<int64_t>>;  // items by SID, in the order of the codes

Sids sids_of(const SidTable& sids) {
  Sids items_of;
  const auto code = sids.code_NL.accessor<int64_t, 2>();
  for (int64_t item = 0; item < sids.num_items(); ++item) {
    Path path;
    for (int64_t level = 0; level < sids.num_levels() && code[item][level] >= 0; ++level)
      path.push_back(code[item][level]);
    items_of[path].push_back(item);
  }
  return items_of;
}

struct Counts {
  int64_t items = 0, children = 0;
};
std::map<Path, Counts> counts_of(const Sids& sids) {
  std::map<Path, Counts> counts;
  for (const auto& [sid, items] : sids) {
    Path path;
    for (size_t level = 0;; ++level) {
      const auto [at, is_new] = counts.try_emplace(path);
      at->second.items += static_cast<int64_t>(items.size());
      if (is_new && level > 0) ++counts.at(Path(path.begin(), path.end() - 1)).children;
      if (level == sid.size()) break;
      path.push_back(sid[level]);
    }
  }
  return counts;
}

// The node at the end of a path, made where it is not there. Paths come in order, so that it can
// only be the last of its parent's.
SidTree::Node& node_at(SidTree::Node& root, const Path& path, const SidTable& sids,
                       const std::map<Path, Counts>& counts) {
  SidTree::Node* node = &root;
  Path so_far;
  for (size_t level = 0; level < path.size(); ++level) {
    so_far.push_back(path[level]);
    const std::string token = sids.spelling.token(static_cast<int64_t>(level), path[level]);
    if (node->shown.empty() || node->shown.back().token != token) {
      const Counts& count = counts.at(so_far);
      node->shown.push_back({.token = token, .items = count.items, .children = count.children});
    }
    node = &node->shown.back();
  }
  return *node;
}

void keep_shown(const SidTree::Node& node, const Keywords& all, Keywords& shown) {
  const auto found = all.find(node.token);
  if (found != all.end()) shown.insert(*found);
  for (const SidTree::Node& child : node.shown) keep_shown(child, all, shown);
}

nlohmann::ordered_json json_of(const SidTree::Node& node) {
  nlohmann::ordered_json json = {{"token", node.token}, {"items", node.items}};
  if (node.children > 0) json["children"] = node.children;
  for (const SidTree::Node& child : node.shown) json["shown"].push_back(json_of(child));
  if (node.here > 0) {
    json["here"] = node.here;
    json["titles"] = node.titles;
  }
  return json;
}

}  // namespace

SidTree sid_tree(const SidTable& sids, const Items& items, const std::vector<TokenNote>& notes,
                 int64_t paths, int64_t titles) {
  const Sids items_of = sids_of(sids);
  const std::map<Path, Counts> counts = counts_of(items_of);
  SidTree tree;
  tree.root = {.token = "", .items = counts.at({}).items, .children = counts.at({}).children};
  tree.sids = static_cast<int64_t>(items_of.size());
  const std::vector<int64_t> places = evenly_spaced(tree.sids, std::min(tree.sids, paths));
  tree.shown_sids = static_cast<int64_t>(places.size());
  constexpr int64_t kMostFirsts = 1024;
  const bool shows_all_firsts = tree.root.children <= kMostFirsts;
  int64_t place = 0;
  auto next = places.begin();
  for (const auto& [sid, its_items] : items_of) {
    if (shows_all_firsts) node_at(tree.root, {sid.front()}, sids, counts);
    if (next == places.end() || place++ != *next) continue;
    ++next;
    SidTree::Node& leaf = node_at(tree.root, sid, sids, counts);
    leaf.here = static_cast<int64_t>(its_items.size());
    for (const int64_t at : evenly_spaced(leaf.here, std::min(leaf.here, titles)))
      leaf.titles.push_back(shown_title(items, its_items[static_cast<size_t>(at)]));
  }
  keep_shown(tree.root, keywords_of(notes), tree.keywords);
  return tree;
}

nlohmann::ordered_json sid_tree_json(const SidTree& tree) {
  return {{"sids", tree.sids},
          {"shown_sids", tree.shown_sids},
          {"keywords", tree.keywords},
          {"root", json_of(tree.root)}};
}

}  // namespace tsrec::host
