// A small model is led through its answer: its JSON is begun for it, and turned to the keywords.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::language_model {

// What the model finds written already.
inline constexpr std::string_view kAnswerBegin = R"({"description": ")";

struct Lead {
  bool is_done = false;       // nothing that could follow would be read
  std::string continue_with;  // what has to follow; "" leaves it to the model
};

// text: what stands behind kAnswerBegin so far; tokens: how many that are. Where the description
// ends, with a sentence in the second half of `description_tokens` or there at the latest, the list
// of keywords is opened. The answer is done with the list, when it has max_keywords different ones,
// and when three in a row stood there already: small models repeat themselves without end.
Lead lead(std::string_view text, int64_t tokens, int64_t description_tokens, int64_t max_keywords);

}  // namespace tsrec::language_model
