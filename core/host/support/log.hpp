// The host's log: sentences on the terminal, the same with time and level in the run's log.txt.
#pragma once

#include <filesystem>
#include <string_view>

#include "support/api.hpp"
#include "tsrec/context.hpp"

namespace tsrec::host {

// From now on also into this file; an empty path ends that.
TSREC_HOST_API void log_to_file(const std::filesystem::path& file);
TSREC_HOST_API void log(Level level, std::string_view sentence);

}  // namespace tsrec::host
