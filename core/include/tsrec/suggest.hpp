// What a sentence about an unknown name ends with.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tsrec/abi.hpp"

namespace tsrec {

// "; did you mean 'levels'?" or "; known: a, b, c" (edit distance <= length / 3 + 1).
TSREC_API std::string suggest(std::string_view wrong, const std::vector<std::string>& known);

}  // namespace tsrec
