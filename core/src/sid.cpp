#include "tsrec/sid.hpp"

#include <algorithm>

#include "tsrec/io/files.hpp"

namespace tsrec {

std::string SidTable::text(int64_t item) const {
  std::string text;
  for (int64_t level = 0; level < num_levels(); ++level) {
    const int64_t code = code_NL[item][level].item<int64_t>();
    if (code >= 0) text += spelling.token(level, code);
  }
  return text;
}

std::vector<int64_t> SidTable::group_N() const {
  std::map<std::vector<int64_t>, int64_t> group_of;
  std::vector<int64_t> groups;
  const torch::Tensor plain_NL = code_NL.contiguous();
  const int64_t* codes = plain_NL.const_data_ptr<int64_t>();
  for (int64_t item = 0; item < num_items(); ++item, codes += num_levels()) {
    const auto next = static_cast<int64_t>(group_of.size());
    groups.push_back(
        group_of.emplace(std::vector<int64_t>(codes, codes + num_levels()), next).first->second);
  }
  return groups;
}

int64_t SidTable::num_distinct() const {
  const std::vector<int64_t> groups = group_N();
  return groups.empty() ? 0 : *std::max_element(groups.begin(), groups.end()) + 1;
}

std::string SidTable::fingerprint(const std::vector<std::string>& item_keys) const {
  if (static_cast<int64_t>(item_keys.size()) != num_items()) {
    throw Error("a fingerprint needs one key per item: ", item_keys.size(), " keys, ", num_items(),
                " items");
  }
  std::string lines;
  for (int64_t item = 0; item < num_items(); ++item) {
    lines += item_keys[static_cast<size_t>(item)] + '\t' + text(item) + '\n';
  }
  return io::sha256(lines);
}

std::vector<TokenCluster> token_clusters(const SidTable& sids) {
  std::map<std::pair<int64_t, int64_t>, std::vector<int64_t>> items_of;
  const auto code = sids.code_NL.accessor<int64_t, 2>();
  for (int64_t item = 0; item < sids.num_items(); ++item) {
    for (int64_t level = 0; level < sids.num_levels(); ++level) {
      if (code[item][level] >= 0) items_of[{level, code[item][level]}].push_back(item);
    }
  }
  std::vector<TokenCluster> clusters;
  for (auto& [where, items] : items_of) {
    clusters.push_back({sids.spelling.token(where.first, where.second), where.first, where.second,
                        std::move(items)});
  }
  return clusters;
}

Vocabulary::Vocabulary(const SidTable& sids, int32_t first_id, const FindToken& find) {
  id_of_code_.resize(static_cast<size_t>(sids.num_levels()));
  int32_t next = first_id;
  for (const TokenCluster& cluster : token_clusters(sids)) {
    const auto level = static_cast<size_t>(cluster.level);
    const std::optional<int32_t> known = find ? find(cluster.token) : std::nullopt;
    const int32_t id = known ? *known : next++;
    id_of_code_[level].resize(static_cast<size_t>(cluster.code) + 1, -1);
    id_of_code_[level].back() = id;
    tokens_.push_back({cluster.token, cluster.level, cluster.code, id, known.has_value()});
  }
}

int32_t Vocabulary::id(int64_t level, int64_t code) const {
  const std::vector<int32_t>& ids = id_of_code_.at(static_cast<size_t>(level));
  return code >= 0 && code < static_cast<int64_t>(ids.size()) ? ids[static_cast<size_t>(code)] : -1;
}

std::vector<int32_t> Vocabulary::ids(const SidTable& sids, int64_t item) const {
  std::vector<int32_t> ids;
  const int64_t* codes = sids.code_NL.const_data_ptr<int64_t>() + item * sids.num_levels();
  for (int64_t level = 0; level < sids.num_levels() && codes[level] >= 0; ++level)
    ids.push_back(id(level, codes[level]));
  return ids;
}

}  // namespace tsrec
