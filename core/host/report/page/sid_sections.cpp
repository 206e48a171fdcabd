#include "report/page/sid_sections.hpp"

#include <mutex>

#include "pipeline/model_rows.hpp"
#include "pipeline/parts.hpp"
#include "pipeline/run_context.hpp"
#include "report/depth.hpp"
#include "report/examples.hpp"
#include "report/page/stored_catalogue.hpp"
#include "report/sid_tree.hpp"
#include "report/sid_usage.hpp"

namespace tsrec::host {
namespace {

using nlohmann::ordered_json;
using Role = StageId::Role;

// What is computed of the same bytes is computed once: of the runs of a comparison most share their
// items and SIDs.
ordered_json once(const std::string& section, const std::string& digests,
                  const std::function<ordered_json()>& make) {
  static std::mutex alone;
  static std::map<std::string, ordered_json> made;
  const std::lock_guard lock(alone);
  const auto [at, is_new] = made.try_emplace(section + "\n" + digests);
  if (is_new) at->second = make();
  return at->second;
}

std::vector<StageId> models_of(const PageRun& run) {
  std::vector<StageId> models;
  for (const StageResult& stage : run.stages) {
    const bool is_model = stage.id.role == Role::extend || stage.id.role == Role::train;
    if (is_model && !stage.digest.empty()) models.push_back(stage.id);
  }
  return models;
}

// A map that cannot be drawn says why, and the page goes on.
ordered_json map_or_reason(const std::function<ordered_json()>& draw) {
  try {
    return draw();
  } catch (const DataError& error) {
    return {{"left_out", error.what()}};
  }
}

ordered_json drawn_items(const PageRun& run, const StoredCatalogue& catalogue) {
  return map_or_reason([&]() -> ordered_json {
    const auto map = item_map_of(run);
    if (map == nullptr) return nullptr;
    return item_map_json(*map, *catalogue.sids, catalogue.data.items);
  });
}

ordered_json drawn_tokens(const PageRun& run, const StoredCatalogue& catalogue) {
  if (!run.experiment.parts->backbone || models_of(run).empty()) return nullptr;
  return map_or_reason([&] {
    RunContext context(run.experiment.run, "report", /*curve=*/"");
    const StoredRows rows =
        stored_rows(*run.experiment.parts, run.stages, *catalogue.sids, context);
    return token_map_json(token_map(rows.models, rows.tokens));
  });
}

std::vector<Column> evaluated_columns(const PageRun& run) {
  return columns_of(run.stages, lineage_of(run.experiment));
}

}  // namespace

ordered_json sid_map_section(const PageRun& run) {
  const auto catalogue = catalogue_of(run);
  if (!catalogue || !catalogue->sids) return nullptr;
  const std::string of_items = catalogue_digests(run) + digests_of(run, {{Role::embed}}),
                    of_models = digests_of(run, models_of(run));
  const ordered_json items =
      once("items' vectors", of_items, [&] { return drawn_items(run, *catalogue); });
  const ordered_json tokens = run.draws_models ? once("tokens' rows", of_items + of_models,
                                                      [&] { return drawn_tokens(run, *catalogue); })
                                               : ordered_json(nullptr);
  if (items.is_null() && tokens.is_null()) return nullptr;
  const Keywords all = keywords_of(catalogue->notes);
  ordered_json keywords = ordered_json::object();
  for (const auto& [map, tokens_of] : {std::pair(&items, "tokens"), std::pair(&tokens, "token")}) {
    if (map->is_null() || !map->contains(tokens_of)) continue;
    for (const ordered_json& token : map->at(tokens_of)) {
      if (const auto found = all.find(token.get<std::string>()); found != all.end())
        keywords[found->first] = found->second;
    }
  }
  return {{"keywords", keywords}, {"items", items}, {"tokens", tokens}};
}

ordered_json sid_usage_section(const PageRun& run) {
  const auto catalogue = catalogue_of(run);
  if (!catalogue || !catalogue->sids) return nullptr;
  return once("usage", catalogue_digests(run),
              [&] { return sid_usage_json(sid_usage(*catalogue->sids, catalogue->data.train)); });
}

ordered_json sid_tree_section(const PageRun& run) {
  const auto catalogue = catalogue_of(run);
  if (!catalogue || !catalogue->sids) return nullptr;
  return once("tree", catalogue_digests(run), [&] {
    return sid_tree_json(sid_tree(*catalogue->sids, catalogue->data.items, catalogue->notes));
  });
}

ordered_json depth_section(const PageRun& run) {
  const auto catalogue = catalogue_of(run);
  if (!catalogue || !catalogue->sids) return nullptr;
  return depth_json(depth_curves(catalogue->data, *catalogue->sids, evaluated_columns(run)));
}

ordered_json examples_section(const PageRun& run) {
  const auto catalogue = catalogue_of(run);
  if (!catalogue) return nullptr;
  const SidTable* sids = catalogue->sids_or_null();
  return examples_json(example_users(catalogue->data, sids, evaluated_columns(run)),
                       catalogue->data.items, sids, catalogue->notes);
}

}  // namespace tsrec::host
