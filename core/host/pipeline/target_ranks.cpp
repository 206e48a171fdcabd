#include "pipeline/target_ranks.hpp"

#include <functional>
#include <map>

namespace tsrec::host {

std::vector<Popularity> popularity_of_items(const Samples& train, int64_t num_items) {
  std::vector<int64_t> count_N(static_cast<size_t>(num_items), 0);
  for (int64_t row = 0; row < train.size(); ++row)
    ++count_N[static_cast<size_t>(train.target(row))];
  std::map<int64_t, int64_t, std::greater<>> rows_of_count;  // of all items with that count
  for (const int64_t count : count_N) rows_of_count[count] += count;
  std::map<int64_t, Popularity> of_count;
  int64_t above = 0;  // rows of the items with greater counts
  for (const auto& [count, rows] : rows_of_count) {
    of_count[count] = 3 * above < train.size()       ? Popularity::head
                      : 3 * above < 2 * train.size() ? Popularity::mid
                                                     : Popularity::tail;
    above += rows;
  }
  std::vector<Popularity> popularity_N;
  for (const int64_t count : count_N) popularity_N.push_back(of_count.at(count));
  return popularity_N;
}

TargetRanks target_ranks(const Evaluation& evaluation) {
  const TargetPlaces places = target_places(evaluation);
  const std::vector<Popularity> popularity_N =
      popularity_of_items(evaluation.data.train, evaluation.data.items.size());
  const auto rows = static_cast<int64_t>(places.before.size());
  TargetRanks ranks{torch::empty({rows}, torch::kInt64), torch::empty({rows}, torch::kInt64),
                    evaluation.rankings.item_SM.size(1)};
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t before = places.before[static_cast<size_t>(row)];
    const int64_t group = places.group[static_cast<size_t>(row)];
    ranks.rank_S.mutable_data_ptr<int64_t>()[row] = before < 0 ? 0 : before + (group + 2) / 2;
    ranks.popularity_S.mutable_data_ptr<int64_t>()[row] =
        static_cast<int64_t>(popularity_N[static_cast<size_t>(evaluation.samples.target(row))]);
  }
  return ranks;
}

Numbers rank_quantiles(const TargetRanks& ranks) {
  if (ranks.rank_S.size(0) == 0) return {};
  const torch::Tensor behind_S = torch::full_like(ranks.rank_S, ranks.length + 1);
  const torch::Tensor sorted_S =
      std::get<0>(torch::where(ranks.rank_S > 0, ranks.rank_S, behind_S).sort());
  Numbers numbers;
  for (const int64_t percent : {10, 25, 50}) {
    // The first place that has so many per cent of the rows up to and with it.
    const int64_t place = (sorted_S.size(0) * percent + 99) / 100 - 1;
    numbers.push_back({c10::str("target_rank.q", percent),
                       static_cast<double>(sorted_S[place].item<int64_t>()),
                       {},
                       Better::lower});
  }
  return numbers;
}

void write_target_ranks(const TargetRanks& ranks, ArtifactWriter& out) {
  out.tensor("target.rank_S", ranks.rank_S);
  out.tensor("target.popularity_S", ranks.popularity_S);
  out.number("list_length", static_cast<double>(ranks.length));
}

std::optional<TargetRanks> read_target_ranks(const ArtifactReader& in) {
  if (!in.has("target.rank_S")) return std::nullopt;
  return TargetRanks{in.tensor("target.rank_S"), in.tensor("target.popularity_S"),
                     static_cast<int64_t>(in.number("list_length"))};
}

}  // namespace tsrec::host
