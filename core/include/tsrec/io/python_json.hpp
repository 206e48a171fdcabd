// JSON as Python's json module writes it, which is a little more than JSON.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::io {

struct StrictJson {
  std::string text;      // line by line what was given
  int64_t replaced = 0;  // surrogates without their other half, now U+FFFD
};

// What json.dump writes, as any reader of JSON takes it: NaN, Infinity, -Infinity and None become
// null, and half an emoji ("\ud83d", or its three bytes) becomes U+FFFD. A byte-order mark at the
// beginning goes. Nothing else is mended: what was malformed is malformed in the same line.
TSREC_API StrictJson strict_json(std::string_view text);

}  // namespace tsrec::io
