// A file that is not worth waiting for the disk: one that says how far something is, or that the
// next command writes again. After a power cut it may be old, empty or gone.
#pragma once

#include <filesystem>
#include <string_view>

#include "support/api.hpp"

namespace tsrec::host {

// By a rename, so that no reader sees a half. Returns whether it was written.
TSREC_HOST_API bool write_unflushed(const std::filesystem::path& file, std::string_view text);

}  // namespace tsrec::host
