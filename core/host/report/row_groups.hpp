// In which groups the rows of an evaluation fall: what is asked for in each of them is another
// question, and one mean over all rows answers none.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "pipeline/settings.hpp"
#include "tsrec/data.hpp"

namespace tsrec::host {

struct TSREC_HOST_API RowGroups {
  std::string by;                  // "popularity"
  std::vector<std::string> names;  // "head", "mid", "tail"
  torch::Tensor group_S;           // int64: place in names
};

// By popularity of the target (thirds of the training rows, see Popularity; and quarters of the
// items that are targets of some, most frequent first), by length of the history, by whether the
// target stands in the history, by whether it occurs in any training row, and by category where
// items have one. category_N: a text of every item; empty: there are none. Groups without rows are
// left out.
TSREC_HOST_API std::vector<RowGroups> row_groups(const Samples& train, const Samples& rows,
                                                 const std::vector<std::string>& category_N);

// The parts of `categories` go from wide to narrow and stand behind each other with ", " between
// them: what all items begin with says nothing, and the part behind it is the category. "" where
// an item has none.
TSREC_HOST_API std::vector<std::string> categories_of(const std::vector<std::string>& text_N);

// What an evaluation ranked: the rows themselves, and what their groups are read from.
struct EvaluatedRows {
  Samples train, rows;
  std::vector<std::string> category_N;
};
// load: what the load stage stored.
TSREC_HOST_API EvaluatedRows evaluated_rows(const std::filesystem::path& load,
                                            const EvaluateSettings& settings);

}  // namespace tsrec::host
