#include "report/movement.hpp"

#include <algorithm>
#include <array>

#include "support/statistics.hpp"

namespace tsrec::host {
namespace {

constexpr std::array<int64_t, 6> kLastRanks = {1, 3, 5, 10, 20, 50};  // of the bins

struct RankBin {
  int64_t first, last;
  std::string name() const {
    return first == last ? std::to_string(first) : c10::str(first, "-", last);
  }
};

// The last one ends where the lists do.
std::vector<RankBin> bins_of(int64_t length) {
  std::vector<RankBin> bins;
  int64_t first = 1;
  for (const int64_t last : kLastRanks) {
    if (first > length) break;
    bins.push_back({first, std::min(last, length)});
    first = last + 1;
  }
  if (first <= length) bins.push_back({first, length});
  return bins;
}

// The place of the rank among them; behind all of them where it is in none.
size_t place_of(int64_t rank, const std::vector<RankBin>& bins) {
  size_t place = 0;
  while (place < bins.size() && (rank < bins[place].first || rank > bins[place].last)) ++place;
  return place;
}

torch::Tensor hits(const TargetRanks& ranks, int64_t hit_rank) {
  return torch::logical_and(ranks.rank_S >= 1, ranks.rank_S <= hit_rank).to(torch::kFloat64);
}

Movement::Group group_of(const std::string& name, const torch::Tensor& before_S,
                         const torch::Tensor& after_S) {
  const auto sum = [](const torch::Tensor& hit_S) {
    return static_cast<int64_t>(hit_S.sum().item<double>());
  };
  return {name,
          before_S.size(0),
          sum(before_S),
          sum(after_S),
          sum(after_S * (1 - before_S)),
          sum(before_S * (1 - after_S)),
          mcnemar(before_S, after_S)};
}

}  // namespace

Movement movement(const TargetRanks& before, const TargetRanks& after) {
  if (before.rank_S.size(0) != after.rank_S.size(0))
    throw Error("two evaluations of ", before.rank_S.size(0), " and ", after.rank_S.size(0),
                " rows cannot be compared row by row");
  const int64_t length = std::min(before.length, after.length);
  const std::vector<RankBin> bins = bins_of(length);
  Movement moved;
  for (const RankBin& bin : bins) moved.bins.push_back(bin.name());
  moved.bins.emplace_back("out");
  moved.from_to.assign(moved.bins.size(), std::vector<int64_t>(moved.bins.size(), 0));
  for (int64_t row = 0; row < before.rank_S.size(0); ++row) {
    const size_t from = place_of(before.rank_S.const_data_ptr<int64_t>()[row], bins);
    const size_t to = place_of(after.rank_S.const_data_ptr<int64_t>()[row], bins);
    ++moved.from_to[from][to];
  }
  moved.hit_rank = std::min<int64_t>(10, length);
  const torch::Tensor before_S = hits(before, moved.hit_rank),
                      after_S = hits(after, moved.hit_rank);
  const std::array<std::pair<Popularity, const char*>, 3> groups = {
      {{Popularity::head, "head"}, {Popularity::mid, "mid"}, {Popularity::tail, "tail"}}};
  for (const auto& [popularity, name] : groups) {
    const torch::Tensor is_in_S = before.popularity_S == static_cast<int64_t>(popularity);
    moved.by_popularity.push_back(
        group_of(name, before_S.index({is_in_S}), after_S.index({is_in_S})));
  }
  moved.by_popularity.push_back(group_of("all", before_S, after_S));
  return moved;
}

}  // namespace tsrec::host
