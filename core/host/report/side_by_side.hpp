// Runs that are there already, as lines of one table.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "support/api.hpp"

namespace tsrec::host {

// From the numbers.json of every run's folder; differences to the first run that has the column.
TSREC_HOST_API std::string side_by_side(const std::vector<std::filesystem::path>& run_folders);

}  // namespace tsrec::host
