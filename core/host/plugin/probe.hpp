// Loading runs a plugin's static constructors, and one that throws or crashes ends the process. A
// stranger's plugin is therefore loaded by a child process first.
#pragma once

#include <filesystem>
#include <string>

namespace tsrec::host {

// "" when a child process could load the file; else how it ended, and what it said last.
std::string probe(const std::filesystem::path& file);

}  // namespace tsrec::host
