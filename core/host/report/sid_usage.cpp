#include "report/sid_usage.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tsrec/evenly_spaced.hpp"

namespace tsrec::host {
namespace {

using Path = std::vector<int64_t>;

double perplexity(const std::vector<int64_t>& counts) {
  const auto all = static_cast<double>(std::accumulate(counts.begin(), counts.end(), int64_t{0}));
  double entropy = 0;
  for (const int64_t count : counts) {
    const double share = static_cast<double>(count) / all;
    entropy -= share * std::log(share);
  }
  return std::exp(entropy);
}

// The children of every node that has some, by the node's path.
std::map<Path, std::set<int64_t>> children_of(const SidTable& sids) {
  std::map<Path, std::set<int64_t>> children;
  const auto code = sids.code_NL.accessor<int64_t, 2>();
  for (int64_t item = 0; item < sids.num_items(); ++item) {
    Path path;
    for (int64_t level = 0; level < sids.num_levels() && code[item][level] >= 0; ++level) {
      children[path].insert(code[item][level]);
      path.push_back(code[item][level]);
    }
  }
  return children;
}

}  // namespace

SidUsage sid_usage(const SidTable& sids, const Samples& train) {
  SidUsage usage;
  for (const int64_t size : sids.sizes) usage.levels.push_back({.size = size});
  for (const TokenCluster& cluster : token_clusters(sids)) {
    usage.levels[static_cast<size_t>(cluster.level)].items.push_back(
        static_cast<int64_t>(cluster.items.size()));
  }
  for (SidUsage::Level& level : usage.levels) {
    std::sort(level.items.begin(), level.items.end(), std::greater<>());
    if (!level.items.empty()) level.perplexity = perplexity(level.items);
  }
  std::vector<int64_t> parents(usage.levels.size(), 0);
  for (const auto& [path, codes] : children_of(sids)) {
    SidUsage::Level& level = usage.levels[path.size()];
    const auto count = static_cast<int64_t>(codes.size());
    ++parents[path.size()];
    level.nodes += count;
    level.most_children = std::max(level.most_children, count);
    level.only_children += count == 1;
  }
  for (size_t level = 0; level < parents.size(); ++level) {
    if (parents[level] > 0)
      usage.levels[level].mean_children =
          static_cast<double>(usage.levels[level].nodes) / static_cast<double>(parents[level]);
  }

  const std::vector<int64_t> group_N = sids.group_N();
  std::vector<int64_t> size_of_group;
  for (const int64_t group : group_N) {
    size_of_group.resize(std::max(size_of_group.size(), static_cast<size_t>(group) + 1), 0);
    ++size_of_group[static_cast<size_t>(group)];
  }
  usage.items = sids.num_items();
  usage.sids = static_cast<int64_t>(size_of_group.size());
  for (const int64_t size : size_of_group) {
    ++usage.sids_of_size[size];
    usage.collided += size > 1 ? size : 0;
  }
  usage.rows = train.size();
  for (int64_t row = 0; row < train.size(); ++row) {
    const int64_t group = group_N[static_cast<size_t>(train.target(row))];
    usage.collided_rows += size_of_group[static_cast<size_t>(group)] > 1;
  }
  return usage;
}

nlohmann::ordered_json sid_usage_json(const SidUsage& usage) {
  constexpr int64_t kMostCounts = 512;
  nlohmann::ordered_json json = {{"items", usage.items},
                                 {"sids", usage.sids},
                                 {"collided", usage.collided},
                                 {"rows", usage.rows},
                                 {"collided_rows", usage.collided_rows},
                                 {"sids_of_size", nlohmann::ordered_json::array()},
                                 {"levels", nlohmann::ordered_json::array()}};
  for (const auto& [items, count] : usage.sids_of_size)
    json["sids_of_size"].push_back({items, count});
  for (const SidUsage::Level& level : usage.levels) {
    const auto used = static_cast<int64_t>(level.items.size());
    nlohmann::ordered_json counts = nlohmann::ordered_json::array();
    for (const int64_t place : evenly_spaced(used, std::min(used, kMostCounts)))
      counts.push_back(level.items[static_cast<size_t>(place)]);
    json["levels"].push_back({{"size", level.size},
                              {"used", used},
                              {"perplexity", level.perplexity},
                              {"nodes", level.nodes},
                              {"mean_children", level.mean_children},
                              {"most_children", level.most_children},
                              {"only_children", level.only_children},
                              {"counts", std::move(counts)}});
  }
  return json;
}

}  // namespace tsrec::host
