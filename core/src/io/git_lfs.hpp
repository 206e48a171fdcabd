// What git leaves in the place of a large file that it has not fetched.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::io {

// DataError that says what to do, where these bytes of a file are such a pointer.
inline void refuse_git_lfs_pointer(std::string_view bytes, const std::string& file) {
  if (!bytes.starts_with("version https://git-lfs.github.com/spec/")) return;
  throw DataError(file,
                  " holds nothing but the pointer that git-lfs leaves in its place; run 'git lfs "
                  "pull' in its folder, or download the file itself");
}

}  // namespace tsrec::io
