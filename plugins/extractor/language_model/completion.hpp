// What a chat endpoint sends back.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::language_model {

struct Completion {
  std::string content;                               // "" when the model said nothing
  int64_t prompt_tokens = 0, completion_tokens = 0;  // 0 where the endpoint does not count
};

// The first choice of a chat completion; nothing when the body is none.
std::optional<Completion> read_completion(const std::string& body);

// What a body that is no completion says, on one line: its error's message, or all of it.
std::string message_in(const std::string& body);

}  // namespace tsrec::language_model
