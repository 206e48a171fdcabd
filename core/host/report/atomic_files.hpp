// A data set as RecBole's atomic files.
#pragma once

#include "support/api.hpp"
#include "tsrec/data.hpp"

namespace tsrec::host {

// Writes into `folder`, which exists:
//
// - NAME.item: item_id:token, and a token for each column of texts; items in their order.
// - NAME.train.inter, NAME.valid.inter, NAME.test.inter, with `benchmark_filename: [train, valid,
//   test]`: a row each, user_id:token, item_id_list:token_seq (the history, oldest first),
//   item_id:token and timestamp:float (seconds).
// - NAME.inter: the same as events, user by user: the history of a user's first row, then the
//   targets in the order of time. An item of that history has the time of the row, because no row
//   says its own.
//
// Users are called by their numbers. A field that begins with a quote, or holds a tab or the end
// of a line, stands in quotes, as pandas reads it. Returns the number of events. Throws DataError:
// a key that is empty, or holds a blank, which separates the items of a list.
TSREC_HOST_API int64_t write_atomic_files(const Dataset& data, const std::filesystem::path& folder,
                                          const std::string& name);

}  // namespace tsrec::host
