// Words of a text, as encoders and extractors count them.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::text {

// Lower-case runs of ASCII letters and digits; bytes of other scripts count as letters.
TSREC_API std::vector<std::string> words_of(std::string_view text);

}  // namespace tsrec::text
