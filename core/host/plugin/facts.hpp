// The facts line of a plugin file, read without running anything of it.
#pragma once

#include <filesystem>
#include <string>

#include "support/api.hpp"

namespace tsrec::host {

// Why the file cannot even be looked at (a folder, a link to nowhere, no permission, no ELF file),
// as a sentence; "" when it can.
TSREC_HOST_API std::string unreadable(const std::filesystem::path& file);
TSREC_HOST_API std::string read_facts(const std::filesystem::path& file);  // "": it carries none
// "" or the sentence that says which facts differ and what to do.
TSREC_HOST_API std::string compare_facts(const std::filesystem::path& file,
                                         const std::string& plugin_facts);

}  // namespace tsrec::host
