// How data sets, SIDs, notes and evaluations lie in the store.
#pragma once

#include "pipeline/listed_items.hpp"
#include "pipeline/target_ranks.hpp"
#include "support/api.hpp"
#include "tsrec/artifact.hpp"
#include "tsrec/data.hpp"
#include "tsrec/evaluation.hpp"

namespace tsrec::host {

TSREC_HOST_API void write_dataset(const Dataset& data, ArtifactWriter& out);
TSREC_HOST_API Dataset read_dataset(const std::filesystem::path& folder);
// Without reading the rest.
int64_t num_rows(const std::filesystem::path& folder, Split split);
Samples read_split(const std::filesystem::path& folder, Split split);
// A text of every item, such as its title; empty where there is no such column.
std::vector<std::string> read_column(const std::filesystem::path& folder,
                                     const std::string& column);

// With the fingerprint of the catalogue, which every model carries.
TSREC_HOST_API void write_sids(const SidTable& sids, const std::vector<std::string>& item_keys,
                               ArtifactWriter& out);
TSREC_HOST_API SidTable read_sids(const std::filesystem::path& folder);

void write_notes(const std::vector<TokenNote>& notes, ArtifactWriter& out);
std::vector<TokenNote> read_notes(const std::filesystem::path& folder);

TSREC_HOST_API void write_numbers(const Numbers& numbers, const Samples& samples,
                                  ArtifactWriter& out);
struct StoredNumbers {
  Numbers numbers;
  torch::Tensor user_S;
  std::optional<TargetRanks> target_ranks = {};  // none where they were not stored yet
  std::optional<ListedItems> listed = {};
};
TSREC_HOST_API StoredNumbers read_numbers(const std::filesystem::path& folder);

std::vector<std::string> keys_of(const Items& items);

}  // namespace tsrec::host
