// What happens to items that were given the same codes: nothing, a random last code, or the nearest
// free one.
#include "tsrec/parts/resolver.hpp"

namespace {

using namespace tsrec;

using Codes = std::vector<int64_t>;

Codes codes_of(const torch::Tensor& code_NL, int64_t item) {
  const int64_t* begin = code_NL.const_data_ptr<int64_t>() + item * code_NL.size(1);
  return {begin, begin + code_NL.size(1)};
}

SidTable table_of(const ResolverInputs& inputs) {
  return {inputs.code_NL.to(torch::kInt64).contiguous().clone(), inputs.quantizer.sizes()};
}

// Squared distance of each item to what its codes decode to, [N] float32.
torch::Tensor distance_to_codes(const ResolverInputs& inputs) {
  return (inputs.quantizer.decode(inputs.code_NL) - inputs.x_ND)
      .square()
      .sum(1)
      .to(torch::kFloat32)
      .contiguous();
}

// Items that share all codes but the last; only those with a collision inside, prefixes ascending.
struct PrefixGroup {
  std::set<int64_t> used;                                 // last codes in use
  std::map<int64_t, std::vector<int64_t>> items_of_code;  // last code -> its items, ascending
};
std::map<Codes, PrefixGroup> prefix_groups(const torch::Tensor& code_NL) {
  std::map<Codes, PrefixGroup> groups;
  for (int64_t item = 0; item < code_NL.size(0); ++item) {
    Codes codes = codes_of(code_NL, item);
    const int64_t last = codes.back();
    codes.pop_back();
    PrefixGroup& group = groups[codes];
    group.used.insert(last);
    group.items_of_code[last].push_back(item);
  }
  return groups;
}

// The member nearest to its code keeps it (ties: the lowest number); returns the others in item
// order.
std::vector<int64_t> movers(const PrefixGroup& group, const torch::Tensor& distance_N) {
  const float* distance = distance_N.const_data_ptr<float>();
  std::vector<int64_t> moving;
  for (const auto& [code, items] : group.items_of_code) {
    const int64_t keeper = *std::min_element(items.begin(), items.end(), [&](int64_t a, int64_t b) {
      return std::pair(distance[a], a) < std::pair(distance[b], b);
    });
    for (const int64_t item : items) {
      if (item != keeper) moving.push_back(item);
    }
  }
  std::sort(moving.begin(), moving.end());
  return moving;
}

// Codes of the last level that nobody with this prefix uses; throws when they do not suffice.
std::vector<int64_t> free_codes(const PrefixGroup& group, int64_t size, size_t wanted) {
  std::vector<int64_t> free;
  for (int64_t code = 0; code < size; ++code) {
    if (!group.used.contains(code)) free.push_back(code);
  }
  if (free.size() < wanted) {
    throw DataError(wanted + group.used.size(),
                    " items share all codes but the last, which has only ", size,
                    " values; use more codes or levels, or the resolver 'none'");
  }
  return free;
}

void report(int64_t moved, const SidTable& sids, Context& context) {
  context.log(Level::info, c10::str("resolver: ", moved, " of ", sids.num_items(),
                                    " items got another last code"));
}

class None final : public Resolver {
 public:
  None(const NoSettings&, Context&) {}
  SidTable resolve(const ResolverInputs& inputs, Context& context) override {
    SidTable sids = table_of(inputs);
    context.log(Level::info, c10::str("resolver: ", sids.num_items(), " items share ",
                                      sids.num_distinct(), " SIDs"));
    return sids;
  }
};

// The paper's policy (footnote 1): a random unused code under the same prefix.
class RandomLast final : public Resolver {
 public:
  RandomLast(const NoSettings&, Context&) {}
  SidTable resolve(const ResolverInputs& inputs, Context& context) override {
    SidTable sids = table_of(inputs);
    const torch::Tensor distance_N = distance_to_codes(inputs);
    const int64_t last = sids.num_levels() - 1;
    auto code = sids.code_NL.accessor<int64_t, 2>();
    int64_t moved = 0, number = 0;
    for (const auto& [prefix, group] : prefix_groups(sids.code_NL)) {
      const std::vector<int64_t> moving = movers(group, distance_N);
      if (moving.empty()) continue;
      const std::vector<int64_t> free = free_codes(group, sids.sizes.back(), moving.size());
      const torch::Tensor order =
          torch::randperm(static_cast<int64_t>(free.size()),
                          context.generator("random last code", number++), torch::kInt64);
      for (size_t m = 0; m < moving.size(); ++m) {
        code[moving[m]][last] = free[static_cast<size_t>(order.const_data_ptr<int64_t>()[m])];
        ++moved;
      }
    }
    report(moved, sids, context);
    return sids;
  }
};

// Smallest distance first: every mover takes the nearest code that is still free under its prefix.
class NearestFree final : public Resolver {
 public:
  NearestFree(const NoSettings&, Context&) {}
  SidTable resolve(const ResolverInputs& inputs, Context& context) override {
    const auto* quantizer = dynamic_cast<const HasDistances*>(&inputs.quantizer);
    if (quantizer == nullptr) {
      throw ConfigError(
          "resolver 'nearest_free' needs a quantizer that measures distances to its codes, such as "
          "rq_kmeans; with this one use 'random_last'",
          "");
    }
    SidTable sids = table_of(inputs);
    const torch::Tensor before_NL = sids.code_NL.clone();
    const torch::Tensor distance_N = distance_to_codes(inputs);
    int64_t moved = 0;
    for (const auto& [prefix, group] : prefix_groups(before_NL)) {
      const std::vector<int64_t> moving = movers(group, distance_N);
      if (moving.empty()) continue;
      assign(moving, free_codes(group, sids.sizes.back(), moving.size()), *quantizer, inputs.x_ND,
             before_NL, sids);
      moved += static_cast<int64_t>(moving.size());
    }
    report(moved, sids, context);
    return sids;
  }

 private:
  static void assign(const std::vector<int64_t>& moving, const std::vector<int64_t>& free,
                     const HasDistances& quantizer, const torch::Tensor& x_ND,
                     const torch::Tensor& code_NL, SidTable& sids) {
    const int64_t last = sids.num_levels() - 1;
    const torch::Tensor rows = torch::tensor(moving, torch::kInt64);
    const torch::Tensor distance_MK =
        quantizer.distances(x_ND.index_select(0, rows), code_NL.index_select(0, rows), last)
            .contiguous();
    struct Move {
      float distance;
      int64_t item, code;
      bool operator<(const Move& other) const {
        return std::tie(distance, item, code) < std::tie(other.distance, other.item, other.code);
      }
    };
    std::vector<Move> moves;
    for (size_t m = 0; m < moving.size(); ++m) {
      for (const int64_t candidate : free) {
        moves.push_back(
            {distance_MK[static_cast<int64_t>(m)][candidate].item<float>(), moving[m], candidate});
      }
    }
    std::sort(moves.begin(), moves.end());
    std::set<int64_t> placed, taken;
    for (const Move& move : moves) {
      if (placed.contains(move.item) || taken.contains(move.code)) continue;
      sids.code_NL[move.item][last] = move.code;
      placed.insert(move.item);
      taken.insert(move.code);
    }
  }
};

}  // namespace

TSREC_PLUGIN("tsrec.policies", "0.1.0",
             tsrec::part<tsrec::Resolver, None, tsrec::NoSettings>("none", /*revision=*/1,
                                                                   "Items may share a SID"),
             tsrec::part<tsrec::Resolver, RandomLast, tsrec::NoSettings>(
                 "random_last", /*revision=*/1, "Colliding items take a random free last code"),
             tsrec::part<tsrec::Resolver, NearestFree, tsrec::NoSettings>(
                 "nearest_free", /*revision=*/1, "Colliding items take the nearest free last code"))
