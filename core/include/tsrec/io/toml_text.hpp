// Values as they are written in TOML: in resolved files, in keys and in sentences.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::io {

TSREC_API std::string toml_string(std::string_view text);  // quoted, with escapes
// The shortest text that reads back as the same number, always with a point, an exponent, or one of
// inf and nan: an integer is another type.
TSREC_API std::string toml_float(double value);
// For people: the same, but whole numbers without a point or an exponent (1048576, 0.5).
TSREC_API std::string plain_number(double value);

}  // namespace tsrec::io
