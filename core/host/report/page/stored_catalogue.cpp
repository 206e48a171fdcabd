#include "report/page/stored_catalogue.hpp"

#include <mutex>

#include "pipeline/artefacts.hpp"

namespace tsrec::host {
namespace {

using Role = StageId::Role;

std::string digest_of_stage(const PageRun& run, const StageId& id) {
  for (const StageResult& stage : run.stages) {
    if (stage.id == id) return stage.digest;
  }
  return "";
}

}  // namespace

std::string digests_of(const PageRun& run, const std::vector<StageId>& ids) {
  std::string digests;
  for (const StageId& id : ids) digests += id.text() + "=" + digest_of_stage(run, id) + "\n";
  return digests;
}

std::string catalogue_digests(const PageRun& run) {
  return digests_of(run, {{Role::load}, {Role::resolve}, {Role::extract}});
}

// The runs of a comparison mostly share one, so the last is kept.
std::shared_ptr<const StoredCatalogue> catalogue_of(const PageRun& run) {
  const std::filesystem::path load = run.stored({Role::load}),
                              resolve = run.stored({Role::resolve}),
                              extract = run.stored({Role::extract});
  if (load.empty()) return nullptr;
  static std::mutex alone;
  static std::string of_last;
  static std::shared_ptr<const StoredCatalogue> last;
  const std::lock_guard lock(alone);
  const std::string digests = catalogue_digests(run);
  if (last == nullptr || digests != of_last) {
    auto read = std::make_shared<StoredCatalogue>();
    read->data = read_dataset(load);
    if (!resolve.empty()) read->sids = read_sids(resolve);
    if (!extract.empty()) read->notes = read_notes(extract);
    last = std::move(read);
    of_last = digests;
  }
  return last;
}

// The same for all runs with these vectors, so it is made once.
std::shared_ptr<const ItemMap> item_map_of(const PageRun& run) {
  const std::filesystem::path embed = run.stored({Role::embed});
  if (embed.empty()) return nullptr;
  static std::mutex alone;
  static std::map<std::string, std::shared_ptr<const ItemMap>> made;
  const std::lock_guard lock(alone);
  std::shared_ptr<const ItemMap>& map = made[digest_of_stage(run, {Role::embed})];
  if (map == nullptr)
    map = std::make_shared<ItemMap>(item_map(ArtifactReader(embed).tensor("x_ND")));
  return map;
}

}  // namespace tsrec::host
