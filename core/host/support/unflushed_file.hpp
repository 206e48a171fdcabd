// A file that is not worth waiting for the disk: one that says how far something is, or that the
// next command writes again. After a power cut it may be old, empty or gone, unless flush() came
// first.
#pragma once

#include <filesystem>
#include <string_view>

#include "support/api.hpp"

namespace tsrec::host {

// By a rename, so that no reader sees a half. Returns whether it was written.
TSREC_HOST_API bool write_unflushed(const std::filesystem::path& file, std::string_view text);
// Waits until a file's bytes, or a folder's names, are on the disk; an Error where they cannot be.
TSREC_HOST_API void flush(const std::filesystem::path& file_or_folder);

}  // namespace tsrec::host
