#include "report/depth.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "pipeline/loaded_model.hpp"
#include "support/statistics/user_sums.hpp"

namespace tsrec::host {
namespace {

// The most first codes of the target's SID that one of the row's first k different SIDs has, for
// each k.
std::vector<int64_t> deepest_K(const SidTable& sids, const std::vector<int64_t>& group_N,
                               std::span<const int64_t> listed, int64_t target,
                               const std::vector<int64_t>& cutoffs) {
  std::vector<int64_t> deepest(cutoffs.size(), 0);
  std::set<int64_t> seen;
  for (const int64_t item : listed) {
    if (item < 0 || !seen.insert(group_N[static_cast<size_t>(item)]).second) continue;
    const int64_t shared = shared_codes(sids, item, target);
    for (size_t k = 0; k < cutoffs.size(); ++k) {
      if (static_cast<int64_t>(seen.size()) <= cutoffs[k])
        deepest[k] = std::max(deepest[k], shared);
    }
    if (static_cast<int64_t>(seen.size()) == cutoffs.back()) break;
  }
  return deepest;
}

// 1.96 standard errors around the mean, over users.
Interval interval_of(const torch::Tensor& value_S, const torch::Tensor& user_S) {
  const double mean = value_S.mean().item<double>();
  const double error = standard_error(user_sums(value_S.unsqueeze(0), user_S));
  return {std::max(0.0, mean - 1.96 * error), std::min(1.0, mean + 1.96 * error)};
}

}  // namespace

Samples listed_rows(const Dataset& data, const ListedItems& listed, const torch::Tensor& user_S) {
  const Samples rows = limited(data.split(listed.split), user_S.size(0));
  if (rows.size() != user_S.size(0) || !torch::equal(rows.user_S, user_S)) {
    throw DataError("an evaluation ranked ", user_S.size(0), " rows of other users than the ",
                    name(listed.split), " rows that are stored; run the experiment again");
  }
  return rows;
}

int64_t shared_codes(const SidTable& sids, int64_t a, int64_t b) {
  const int64_t levels = sids.num_levels();
  const int64_t* codes = sids.code_NL.const_data_ptr<int64_t>();
  const int64_t *of_a = codes + a * levels, *of_b = codes + b * levels;
  return std::mismatch(of_a, of_a + levels, of_b).first - of_a;
}

DepthCurves depth_curves(const Dataset& data, const SidTable& sids,
                         const std::vector<Column>& columns) {
  DepthCurves depth;
  depth.levels = sids.num_levels();
  const std::vector<int64_t> group_N = sids.group_N();
  for (const int64_t k : {1, 5, 10}) {
    const bool reaches = std::all_of(columns.begin(), columns.end(), [&](const Column& column) {
      return !column.stored.listed || column.stored.listed->item_SM.size(1) >= k;
    });
    if (reaches) depth.cutoffs.push_back(k);
  }
  for (const Column& column : columns) {
    const bool has_lists = column.stored.listed && column.stored.user_S.size(0) > 0;
    if (!has_lists || depth.cutoffs.empty()) continue;
    const torch::Tensor item_SM = column.stored.listed->item_SM.contiguous();
    const Samples rows = listed_rows(data, *column.stored.listed, column.stored.user_S);
    const auto num_cutoffs = static_cast<int64_t>(depth.cutoffs.size());
    torch::Tensor deepest_KS = torch::empty({num_cutoffs, rows.size()}, torch::kInt64);
    auto deepest = deepest_KS.accessor<int64_t, 2>();
    const auto places = static_cast<size_t>(item_SM.size(1));
    for (int64_t row = 0; row < rows.size(); ++row) {
      const int64_t* listed = item_SM.const_data_ptr<int64_t>() + row * item_SM.size(1);
      const std::vector<int64_t> found =
          deepest_K(sids, group_N, {listed, places}, rows.target(row), depth.cutoffs);
      for (int64_t k = 0; k < num_cutoffs; ++k) deepest[k][row] = found[static_cast<size_t>(k)];
    }
    depth.rows = rows.size();
    DepthCurves::Curve& curve = depth.curves.emplace_back();
    curve.of = column.name;
    curve.is_model = column.is_model;
    for (int64_t k = 0; k < num_cutoffs; ++k) {
      auto& shares = curve.share_KL.emplace_back();
      auto& intervals = curve.interval_KL.emplace_back();
      for (int64_t level = 1; level <= depth.levels; ++level) {
        const torch::Tensor is_right_S = deepest_KS[k].ge(level).to(torch::kFloat64);
        shares.push_back(is_right_S.mean().item<double>());
        intervals.push_back(interval_of(is_right_S, column.stored.user_S));
      }
    }
  }
  return depth;
}

nlohmann::ordered_json depth_json(const DepthCurves& depth) {
  using nlohmann::ordered_json;
  if (depth.curves.empty()) return nullptr;
  ordered_json json = {{"rows", depth.rows},
                       {"levels", depth.levels},
                       {"cutoffs", depth.cutoffs},
                       {"curves", ordered_json::array()}};
  for (const DepthCurves::Curve& curve : depth.curves) {
    ordered_json intervals = ordered_json::array();
    for (const auto& interval_L : curve.interval_KL) {
      ordered_json& of_cutoff = intervals.emplace_back(ordered_json::array());
      for (const Interval& interval : interval_L)
        of_cutoff.push_back({interval.low, interval.high});
    }
    json["curves"].push_back({{"of", curve.of},
                              {"is_model", curve.is_model},
                              {"share", curve.share_KL},
                              {"interval", std::move(intervals)}});
  }
  return json;
}

}  // namespace tsrec::host
