#include "pipeline/row_facts.hpp"

#include <algorithm>

namespace tsrec::host {

bool is_repeat(const Samples& rows, int64_t row) {
  const auto history = rows.history(row);
  return std::find(history.begin(), history.end(), rows.target(row)) != history.end();
}

std::vector<bool> trained_items(const Samples& train, int64_t num_items) {
  std::vector<bool> is_trained(static_cast<size_t>(num_items), false);
  for (int64_t row = 0; row < train.size(); ++row) {
    is_trained[static_cast<size_t>(train.target(row))] = true;
    for (const int64_t item : train.history(row)) is_trained[static_cast<size_t>(item)] = true;
  }
  return is_trained;
}

}  // namespace tsrec::host
