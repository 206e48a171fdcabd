// Files of one data set in a folder that may hold several.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::published_files {

// The file of `folder` that ends in `ending` and belongs to the data set `name`: NAME.csv itself,
// or else NAME.*.csv or NAME_<digit>*.csv, as in Office_Products_5_2016-10-2018-11.csv. Without a
// name it is the only file of that ending. Files whose names begin with a dot are not there.
// nullopt when there is none; a DataError that lists what was found when there is no folder, or
// more than one such file. option: the one that chooses among those.
std::optional<std::filesystem::path> find_file(const std::filesystem::path& folder,
                                               const std::string& ending, const std::string& name,
                                               const std::string& option = "dataset");
// The same, and a DataError that lists what the folder holds when there is none.
std::filesystem::path required_file(const std::filesystem::path& folder, const std::string& ending,
                                    const std::string& name);

}  // namespace tsrec::published_files
