#include "pipeline/listed_items.hpp"

#include <algorithm>

namespace tsrec::host {

void write_listed_items(const Rankings& rankings, Split split, ArtifactWriter& out) {
  const int64_t places = std::min(ListedItems::kPlaces, rankings.item_SM.size(1));
  out.text("listed.split", name(split));
  // Half the bytes, and no catalogue has 2^31 items.
  out.tensor("listed.item_SM", rankings.item_SM.slice(1, 0, places).to(torch::kInt32));
}

std::optional<ListedItems> read_listed_items(const ArtifactReader& in) {
  if (!in.has("listed.item_SM")) return std::nullopt;
  const std::string split = in.text("listed.split");
  return ListedItems{split == name(Split::valid) ? Split::valid : Split::test,
                     in.tensor("listed.item_SM").to(torch::kInt64)};
}

}  // namespace tsrec::host
