// The page's own text, as it lies in this folder: built into the library (TsrecPageAssets.cmake),
// so that a report needs no files beside the program.
#pragma once

#include <string_view>
#include <vector>

#include "support/api.hpp"

namespace tsrec::host {

struct PageAsset {
  std::string_view name, text;  // "charts.js"
};
TSREC_HOST_API const std::vector<PageAsset>& page_assets();  // by name

}  // namespace tsrec::host
