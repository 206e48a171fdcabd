#include "report/page/sid_sections.hpp"

#include <mutex>

#include "pipeline/artefacts.hpp"
#include "pipeline/model_rows.hpp"
#include "pipeline/parts.hpp"
#include "pipeline/run_context.hpp"
#include "report/depth.hpp"
#include "report/examples.hpp"
#include "report/sid_map.hpp"
#include "report/sid_tree.hpp"
#include "report/sid_usage.hpp"

namespace tsrec::host {
namespace {

using nlohmann::ordered_json;
using Role = StageId::Role;

// What several sections, and all runs of a comparison, read: items, rows, SIDs and their notes.
struct Catalogue {
  Dataset data;
  std::optional<SidTable> sids;  // none in an experiment without them
  std::vector<TokenNote> notes;
  const SidTable* sids_or_null() const { return sids ? &*sids : nullptr; }
};

std::string digest_of(const PageRun& run, const StageId& id) {
  for (const StageResult& stage : run.stages) {
    if (stage.id == id) return stage.digest;
  }
  return "";
}

// The bytes of these stages, as one text.
std::string digests_of(const PageRun& run, const std::vector<StageId>& ids) {
  std::string digests;
  for (const StageId& id : ids) digests += id.text() + "=" + digest_of(run, id) + "\n";
  return digests;
}

const std::vector<StageId> kCatalogue = {{Role::load}, {Role::resolve}, {Role::extract}};

// Null without stored items. The runs of a comparison mostly share one, so the last is kept.
std::shared_ptr<const Catalogue> catalogue_of(const PageRun& run) {
  const std::filesystem::path load = run.stored({Role::load}),
                              resolve = run.stored({Role::resolve}),
                              extract = run.stored({Role::extract});
  if (load.empty()) return nullptr;
  static std::mutex alone;
  static std::string of_last;
  static std::shared_ptr<const Catalogue> last;
  const std::lock_guard lock(alone);
  const std::string digests = digests_of(run, kCatalogue);
  if (last == nullptr || digests != of_last) {
    auto read = std::make_shared<Catalogue>();
    read->data = read_dataset(load);
    if (!resolve.empty()) read->sids = read_sids(resolve);
    if (!extract.empty()) read->notes = read_notes(extract);
    last = std::move(read);
    of_last = digests;
  }
  return last;
}

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

ordered_json drawn_items(const PageRun& run, const Catalogue& catalogue) {
  const std::filesystem::path embed = run.stored({Role::embed});
  if (embed.empty()) return nullptr;
  return map_or_reason([&] {
    return item_map_json(item_map(ArtifactReader(embed).tensor("x_ND")), *catalogue.sids,
                         catalogue.data.items);
  });
}

ordered_json drawn_tokens(const PageRun& run, const Catalogue& catalogue) {
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
  std::vector<StageId> read = kCatalogue;
  read.push_back({Role::embed});
  const std::string of_items = digests_of(run, read), of_models = digests_of(run, models_of(run));
  const ordered_json items =
      once("items' vectors", of_items, [&] { return drawn_items(run, *catalogue); });
  const ordered_json tokens =
      once("tokens' rows", of_items + of_models, [&] { return drawn_tokens(run, *catalogue); });
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
  return once("usage", digests_of(run, kCatalogue),
              [&] { return sid_usage_json(sid_usage(*catalogue->sids, catalogue->data.train)); });
}

ordered_json sid_tree_section(const PageRun& run) {
  const auto catalogue = catalogue_of(run);
  if (!catalogue || !catalogue->sids) return nullptr;
  return once("tree", digests_of(run, kCatalogue), [&] {
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
