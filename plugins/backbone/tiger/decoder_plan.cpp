#include "decoder_plan.hpp"

#include <map>

#include "tsrec/nn/transfer.hpp"

namespace tsrec::tiger {
namespace {

torch::Tensor indices(const std::vector<int64_t>& values, torch::Device device) {
  return nn::to_device(torch::tensor(values, torch::kInt64), device);
}

// token_GN: of each group.
GroupOrder order_of(const std::vector<std::vector<int64_t>>& token_GN, torch::Device device) {
  std::vector<int64_t> tokens, count_G;
  for (const std::vector<int64_t>& group : token_GN) {
    tokens.insert(tokens.end(), group.begin(), group.end());
    count_G.push_back(std::ssize(group));
  }
  std::vector<int64_t> place(tokens.size());
  for (size_t i = 0; i < tokens.size(); ++i)
    place[static_cast<size_t>(tokens[i])] = static_cast<int64_t>(i);
  return {indices(tokens, device), indices(place, device), count_G};
}

// A prompt's place among the groups.
struct Place {
  size_t group;
  int64_t row;
};

std::vector<Place> places_of(const std::vector<PromptGroup>& groups) {
  std::vector<Place> places;
  for (size_t g = 0; g < groups.size(); ++g) {
    for (int64_t row = 0; row < groups[g].count; ++row) places.push_back({g, row});
  }
  return places;
}

}  // namespace

void Paths::append(const std::vector<nn::Segment>& segments, int64_t first_token) {
  for (const nn::Segment& segment : segments) {
    const bool is_root = segment.parent < 0;
    const auto parent = static_cast<size_t>(segment.parent);
    const auto number = static_cast<int64_t>(prompt_S.size());
    prompt_S.push_back(is_root ? number : prompt_S[parent]);
    std::vector<int64_t> path = is_root ? std::vector<int64_t>() : token_SN[parent];
    for (int32_t t = 0; t < segment.length; ++t) path.push_back(first_token + segment.begin + t);
    token_SN.push_back(std::move(path));
  }
}

DecoderPlan plan_of(const Paths& paths, const std::vector<nn::Segment>& batch, int64_t first_token,
                    const std::vector<PromptGroup>& groups, torch::Device device) {
  struct Visible {
    std::vector<int64_t> query, key;
  };
  std::map<int64_t, Visible> by_visible;
  std::map<int64_t, std::vector<int64_t>> queries_of_prompt;
  const size_t first_segment = paths.prompt_S.size() - batch.size();
  for (size_t s = 0; s < batch.size(); ++s) {
    const std::vector<int64_t>& path = paths.token_SN[first_segment + s];
    std::vector<int64_t>& queries = queries_of_prompt[paths.prompt_S[first_segment + s]];
    for (auto end = path.end() - batch[s].length; end != path.end(); ++end) {
      const int64_t query = *end - first_token;
      Visible& same = by_visible[end - path.begin() + 1];
      same.query.push_back(query);
      same.key.insert(same.key.end(), path.begin(), end + 1);
      queries.push_back(query);
    }
  }

  DecoderPlan plan;
  std::vector<std::vector<int64_t>> self_GN, cross_GN;
  for (const auto& [visible, same] : by_visible) {
    plan.self.push_back({visible, indices(same.key, device)});
    self_GN.push_back(same.query);
  }
  plan.self_order = order_of(self_GN, device);

  struct Asking {
    std::vector<int64_t> row, query;
  };
  std::map<std::pair<size_t, int64_t>, Asking> by_group;  // and the number of a prompt's tokens
  const std::vector<Place> place_P = places_of(groups);
  for (const auto& [prompt, queries] : queries_of_prompt) {
    const Place& place = place_P[static_cast<size_t>(prompt)];
    Asking& asking = by_group[{place.group, static_cast<int64_t>(queries.size())}];
    asking.row.push_back(place.row);
    asking.query.insert(asking.query.end(), queries.begin(), queries.end());
  }
  for (const auto& [which, asking] : by_group) {
    const auto& [group, each] = which;
    const bool is_whole = static_cast<int64_t>(asking.row.size()) == groups[group].count;
    plan.cross.push_back({group, each, is_whole ? torch::Tensor() : indices(asking.row, device)});
    cross_GN.push_back(asking.query);
  }
  plan.cross_order = order_of(cross_GN, device);
  return plan;
}

}  // namespace tsrec::tiger
