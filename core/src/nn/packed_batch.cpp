#include "tsrec/nn/packed_batch.hpp"

#include <numeric>
#include <set>
#include <unordered_map>

#include "tsrec/nn/transfer.hpp"

namespace tsrec::nn {
namespace {

// Rows as a prefix tree of tokens: a shared prefix is one path.
class TokenTree {
 public:
  explicit TokenTree(bool share) : share_(share) {}

  // Tokens that inserting would add.
  int64_t growth(std::span<const int32_t> tokens) const {
    int32_t node = -1;
    size_t known = 0;
    while (share_ && known < tokens.size()) {
      const auto child = child_.find(edge(node, tokens[known]));
      if (child == child_.end()) break;
      node = child->second;
      ++known;
    }
    return static_cast<int64_t>(tokens.size() - known);
  }

  // The nodes of the row's tokens.
  std::vector<int32_t> insert(std::span<const int32_t> tokens) {
    std::vector<int32_t> path;
    int32_t node = -1;
    for (const int32_t token : tokens) {
      const auto found = share_ ? child_.find(edge(node, token)) : child_.end();
      if (found != child_.end()) {
        node = found->second;
      } else {
        const auto fresh = static_cast<int32_t>(nodes_.size());
        nodes_.push_back(
            {token, node < 0 ? 0 : nodes_[static_cast<size_t>(node)].position + 1, {}, false});
        (node < 0 ? roots_ : nodes_[static_cast<size_t>(node)].children).push_back(fresh);
        if (share_) child_.emplace(edge(node, token), fresh);
        node = fresh;
      }
      path.push_back(node);
    }
    return path;
  }

  // A segment must end here: something else attaches to this token.
  void cut_after(int32_t node) { nodes_[static_cast<size_t>(node)].is_cut = true; }

  int64_t size() const { return static_cast<int64_t>(nodes_.size()); }

  struct Layout {
    PackedBatch batch;
    std::vector<int64_t> token_of_node;
    std::vector<int32_t> segment_of_node;
  };
  // Depth first, so that every unbranched run is contiguous and parents come before their children.
  Layout layout() const {
    Layout out;
    out.token_of_node.resize(nodes_.size());
    out.segment_of_node.resize(nodes_.size());
    std::vector<int64_t> tokens, positions;
    struct Visit {
      int32_t node, parent_segment;
    };
    std::vector<Visit> stack;
    for (auto root = roots_.rbegin(); root != roots_.rend(); ++root) stack.push_back({*root, -1});
    while (!stack.empty()) {
      const Visit visit = stack.back();
      stack.pop_back();
      const auto segment = static_cast<int32_t>(out.batch.segments.size());
      out.batch.segments.push_back({static_cast<int32_t>(tokens.size()), 0, visit.parent_segment,
                                    nodes_[static_cast<size_t>(visit.node)].position});
      for (int32_t at = visit.node;;) {
        const Node& node = nodes_[static_cast<size_t>(at)];
        out.token_of_node[static_cast<size_t>(at)] = static_cast<int64_t>(tokens.size());
        out.segment_of_node[static_cast<size_t>(at)] = segment;
        tokens.push_back(node.token);
        positions.push_back(node.position);
        ++out.batch.segments.back().length;
        if (node.children.size() == 1 && !node.is_cut) {
          at = node.children.front();
          continue;
        }
        for (auto child = node.children.rbegin(); child != node.children.rend(); ++child)
          stack.push_back({*child, segment});
        break;
      }
    }
    out.batch.token_T = torch::tensor(tokens, torch::kInt64);
    out.batch.position_T = torch::tensor(positions, torch::kInt64);
    return out;
  }

 private:
  static int64_t edge(int32_t node, int32_t token) {
    return (static_cast<int64_t>(node) << 32) | static_cast<uint32_t>(token);
  }
  struct Node {
    int32_t token, position;
    std::vector<int32_t> children;
    bool is_cut;
  };
  bool share_;
  std::vector<Node> nodes_;
  std::vector<int32_t> roots_;
  std::unordered_map<int64_t, int32_t> child_;  // by edge()
};

struct Label {
  int32_t node;
  int64_t label, row;
};

PackedBatch finished(const TokenTree& tree, const std::vector<Label>& labels) {
  const TokenTree::Layout layout = tree.layout();
  PackedBatch batch = layout.batch;
  const auto count = static_cast<int64_t>(labels.size());
  batch.at_R = torch::empty({count}, torch::kInt64);
  batch.label_R = torch::empty({count}, torch::kInt64);
  batch.row_R = torch::empty({count}, torch::kInt64);
  for (int64_t r = 0; r < count; ++r) {
    const Label& label = labels[static_cast<size_t>(r)];
    batch.at_R.mutable_data_ptr<int64_t>()[r] =
        layout.token_of_node[static_cast<size_t>(label.node)];
    batch.label_R.mutable_data_ptr<int64_t>()[r] = label.label;
    batch.row_R.mutable_data_ptr<int64_t>()[r] = label.row;
  }
  return batch;
}

}  // namespace

PackedBatch PackedBatch::to(torch::Device device) const {
  PackedBatch moved = *this;
  for (torch::Tensor* tensor :
       {&moved.token_T, &moved.position_T, &moved.at_R, &moved.label_R, &moved.row_R}) {
    if (tensor->defined()) *tensor = to_device(*tensor, device);
  }
  return moved;
}

namespace {

// The tokens of a row that are computed: its last one predicts nothing.
std::vector<int32_t> tokens_of(const TokenRow& row) {
  std::vector<int32_t> tokens(row.prompt.begin(), row.prompt.end());
  tokens.insert(tokens.end(), row.target.begin(), row.target.end());
  return tokens;
}

// What each row adds to one batch of all rows: its new tokens, and a head row for every label.
std::vector<int64_t> costs_of(std::span<const TokenRow> rows, bool share) {
  TokenTree tree(share);
  std::vector<int64_t> costs;
  for (const TokenRow& row : rows) {
    if (row.target.empty()) {
      costs.push_back(0);
      continue;
    }
    const std::vector<int32_t> tokens = tokens_of(row);
    const int64_t before = tree.size();
    tree.insert(std::span(tokens.data(), tokens.size() - 1));
    costs.push_back(tree.size() - before + static_cast<int64_t>(row.target.size()));
  }
  return costs;
}

// The row with which each of `parts` parts ends, so that their costs are about the same.
std::set<size_t> ends_of(std::span<const int64_t> costs, int64_t parts) {
  std::set<size_t> ends;
  const int64_t total = std::accumulate(costs.begin(), costs.end(), int64_t{0});
  int64_t sum = 0, part = 1;
  for (size_t row = 0; row < costs.size(); ++row) {
    sum += costs[row];
    if (sum * parts < total * part) continue;
    ends.insert(row);
    while (sum * parts >= total * part) ++part;
  }
  return ends;
}

// Rows in order, cut behind those of `ends` and where a batch would grow too large.
std::vector<PackedBatch> cut_at(const std::set<size_t>& ends, std::span<const TokenRow> rows,
                                const PackOptions& options) {
  std::vector<PackedBatch> batches;
  TokenTree tree(options.share_prefix);
  std::vector<Label> labels;
  const auto finish = [&] {
    if (tree.size() == 0) return;
    batches.push_back(finished(tree, labels));
    tree = TokenTree(options.share_prefix);
    labels.clear();
  };
  for (size_t r = 0; r < rows.size(); ++r) {
    const TokenRow& row = rows[r];
    if (row.prompt.empty())
      throw Error("a training row needs a prompt of at least one token; row ", r, " has none");
    if (!row.target.empty()) {
      const std::vector<int32_t> tokens = tokens_of(row);
      const std::span<const int32_t> computed(tokens.data(), tokens.size() - 1);
      if (tree.size() + tree.growth(computed) > options.max_tokens) finish();
      const std::vector<int32_t> path = tree.insert(computed);
      for (size_t t = row.prompt.size(); t < tokens.size(); ++t)
        labels.push_back({path[t - 1], tokens[t], static_cast<int64_t>(r)});
    }
    if (ends.contains(r)) finish();
  }
  finish();
  return batches;
}

}  // namespace

std::vector<PackedBatch> pack(std::span<const TokenRow> rows, const PackOptions& options) {
  if (options.parts < 2) return cut_at({}, rows, options);
  const std::vector<int64_t> costs = costs_of(rows, options.share_prefix);
  for (int64_t parts = options.parts;; parts += options.parts) {
    std::vector<PackedBatch> batches = cut_at(ends_of(costs, parts), rows, options);
    if (std::ssize(batches) <= parts || parts >= std::ssize(rows)) return batches;
  }
}

PackedPrompts pack_prompts(std::span<const std::vector<int32_t>> prompts, bool share_prefix) {
  TokenTree tree(share_prefix);
  std::vector<int32_t> end_B;
  std::map<std::vector<int32_t>, int32_t> end_of;  // identical prompts once
  for (const std::vector<int32_t>& prompt : prompts) {
    if (prompt.empty()) throw Error("a prompt needs at least one token");
    const auto [at, is_new] = end_of.emplace(prompt, -1);
    if (is_new) {
      at->second = tree.insert(prompt).back();
      tree.cut_after(at->second);
    }
    end_B.push_back(at->second);
  }
  TokenTree::Layout layout = tree.layout();
  PackedPrompts packed{std::move(layout.batch), {}};
  for (const int32_t end : end_B)
    packed.segment_B.push_back(layout.segment_of_node[static_cast<size_t>(end)]);
  return packed;
}

}  // namespace tsrec::nn
