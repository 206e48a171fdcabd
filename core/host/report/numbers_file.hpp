// The numbers of a stored run: what its numbers.json says of each column.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "support/api.hpp"

namespace tsrec::host {

struct StoredColumn {
  std::string name;  // "sft"
  std::vector<std::pair<std::string, double>> numbers;
};
// In the order of the file; without what was tested and warned of. None where there is no file.
TSREC_HOST_API std::vector<StoredColumn> stored_columns(const std::filesystem::path& run_folder);

}  // namespace tsrec::host
