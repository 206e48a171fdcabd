// Where this tsrec lies: everything is found from the host library, so a prefix can be moved.
#pragma once

#include <filesystem>

#include "support/api.hpp"

namespace tsrec::host {

TSREC_HOST_API std::filesystem::path library_folder();  // <prefix>/lib
TSREC_HOST_API std::filesystem::path
share_folder();  // <prefix>/share/tsrec: configs, experiments, template

}  // namespace tsrec::host
