// The control tokens around a text, as a post-processor puts them.
#pragma once

#include <cstdint>
#include <vector>

#include "text/step.hpp"

namespace tsrec::text {

struct Surround {
  std::vector<int32_t> before, after;
};

// Of a single text; a pair of texts is not asked for.
Surround read_post_processor(const Step& step);

}  // namespace tsrec::text
