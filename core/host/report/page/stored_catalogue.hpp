// What several sections of a page, its figures, and all runs of a comparison read: items, rows,
// SIDs and what they mean.
#pragma once

#include "report/page/sections.hpp"
#include "report/sid_map.hpp"
#include "tsrec/data.hpp"

namespace tsrec::host {

struct StoredCatalogue {
  Dataset data;
  std::optional<SidTable> sids;  // none in an experiment without them
  std::vector<TokenNote> notes;
  const SidTable* sids_or_null() const { return sids ? &*sids : nullptr; }
};
// Null without stored items.
std::shared_ptr<const StoredCatalogue> catalogue_of(const PageRun& run);
// The bytes that it was read from, as one text.
std::string catalogue_digests(const PageRun& run);

// Of items with SIDs; null without stored vectors. Throws DataError where they cannot be drawn.
std::shared_ptr<const ItemMap> item_map_of(const PageRun& run);

// The bytes of these stages, as one text.
std::string digests_of(const PageRun& run, const std::vector<StageId>& ids);

}  // namespace tsrec::host
