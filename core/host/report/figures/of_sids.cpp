// What a run's SIDs look like: how they are used, how deep models get them right, and where they
// lie.
#include <algorithm>

#include "pipeline/model_rows.hpp"
#include "pipeline/parts.hpp"
#include "pipeline/run_context.hpp"
#include "report/columns.hpp"
#include "report/depth.hpp"
#include "report/figures/charts.hpp"
#include "report/figures/figures.hpp"
#include "report/page/stored_catalogue.hpp"
#include "report/sid_usage.hpp"

namespace tsrec::host::figures {
namespace {

Figure usage_figure(const SidUsage& usage) {
  UsageChart chart{c10::str("Codes of ", usage.items, " items"), {}};
  for (const SidUsage::Level& level : usage.levels) {
    UsageChart::Level& drawn = chart.levels.emplace_back();
    drawn.name = "level " + level_letter(std::ssize(chart.levels) - 1);
    drawn.items = level.items;
    drawn.items.resize(static_cast<size_t>(level.size), 0);
  }
  return {"codebook", usage_chart_svg(chart)};
}

// None where every SID belongs to as many items as every other.
std::vector<Figure> sharing_figures(const SidUsage& usage) {
  constexpr size_t kMostSizes = 20;
  if (usage.sids_of_size.size() < 2) return {};
  BarChart chart{"SIDs by how many items have them", "SIDs", {}, /*digits=*/0};
  for (const auto& [items, sids] : usage.sids_of_size) {
    if (chart.bars.size() < kMostSizes)
      chart.bars.push_back(
          {c10::str(items, items == 1 ? " item" : " items"), static_cast<double>(sids), {}});
  }
  return {{"sids-by-items", bar_chart_svg(chart)}};
}

// A figure for each length of the list.
std::vector<Figure> depth_figures(const DepthCurves& depth) {
  std::vector<Figure> figures;
  for (size_t k = 0; k < depth.cutoffs.size(); ++k) {
    const int64_t cutoff = depth.cutoffs[k];
    LineChart chart{c10::str("First codes of the target in the first ", cutoff,
                             cutoff == 1 ? " SID" : " SIDs", ", with 95 % intervals"),
                    "first codes",
                    "share of rows",
                    {}};
    for (const DepthCurves::Curve& curve : depth.curves) {
      LineChart::Line& line = chart.lines.emplace_back();
      line.name = curve.of;
      line.y = curve.share_KL[k];
      line.band = curve.interval_KL[k];
      for (size_t level = 1; level <= line.y.size(); ++level)
        line.x.push_back(static_cast<double>(level));
    }
    if (!chart.lines.empty())
      figures.push_back({c10::str("depth-", cutoff), line_chart_svg(chart)});
  }
  return figures;
}

// The first codes that most of the drawn items have, as many as there are colours to tell apart.
std::vector<int64_t> common_codes(const std::vector<int64_t>& code_of_drawn) {
  constexpr size_t kColours = 6;
  std::map<int64_t, int64_t> items_of;
  for (const int64_t code : code_of_drawn) ++items_of[code];
  std::vector<std::pair<int64_t, int64_t>> most(items_of.begin(), items_of.end());
  std::stable_sort(most.begin(), most.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::vector<int64_t> codes;
  for (const auto& [code, items] : most) {
    if (codes.size() < kColours) codes.push_back(code);
  }
  return codes;
}

std::vector<Figure> map_figures(const ItemMap& map, const SidTable& sids) {
  std::vector<int64_t> code_of_drawn;
  for (const int64_t item : map.items)
    code_of_drawn.push_back(sids.code_NL[item][0].item<int64_t>());
  const std::vector<int64_t> codes = common_codes(code_of_drawn);
  std::vector<Figure> figures;
  const auto draw = [&](const std::string& name, const std::string& title,
                        const torch::Tensor& at_N2) {
    if (!at_N2.defined()) return;
    PointChart chart{"Items by the first code of their SIDs", "", {}, {{title, {}}}};
    for (const int64_t code : codes) chart.groups.push_back(sids.spelling.token(0, code));
    const auto at = at_N2.accessor<double, 2>();
    for (size_t i = 0; i < code_of_drawn.size(); ++i) {
      const auto place = std::find(codes.begin(), codes.end(), code_of_drawn[i]);
      const auto point = static_cast<int64_t>(i);
      if (place == codes.end()) chart.background = "other codes";
      chart.panels.front().points.push_back(
          {at[point][0], at[point][1],
           place == codes.end() ? -1 : static_cast<int64_t>(place - codes.begin()),
           sids.spelling.token(0, code_of_drawn[i])});
    }
    figures.push_back({name, point_chart_svg(chart)});
  };
  draw("sid-map-axes", "the two principal axes", map.points.axes_N2);
  draw("sid-map-neighbours", "t-SNE", map.points.neighbours_N2);
  return figures;
}

bool has_model(const PageRun& run) {
  return run.experiment.parts->backbone &&
         std::any_of(run.stages.begin(), run.stages.end(), [](const StageResult& stage) {
           return stage.id.role == StageId::Role::extend && !stage.digest.empty();
         });
}

}  // namespace

std::vector<Figure> sid_figures_of(const PageRun& run) {
  const auto catalogue = catalogue_of(run);
  if (!catalogue || !catalogue->sids) return {};
  const SidTable& sids = *catalogue->sids;
  const SidUsage usage = sid_usage(sids, catalogue->data.train);
  std::vector<Figure> all = {usage_figure(usage)};
  const auto append = [&](std::vector<Figure> more) {
    std::move(more.begin(), more.end(), std::back_inserter(all));
  };
  append(sharing_figures(usage));
  append(depth_figures(
      depth_curves(catalogue->data, sids, columns_of(run.stages, lineage_of(run.experiment)))));
  try {
    if (const auto map = item_map_of(run)) append(map_figures(*map, sids));
    if (has_model(run)) {
      RunContext context(run.experiment.run, "report", /*curve=*/"");
      const StoredRows rows = stored_rows(*run.experiment.parts, run.stages, sids, context);
      append({figure_of(row_map(rows.models, rows.tokens))});
    }
  } catch (const DataError&) {  // vectors that are all the same have no plane
  }
  return all;
}

}  // namespace tsrec::host::figures
