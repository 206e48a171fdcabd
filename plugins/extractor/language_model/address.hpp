// Where a chat endpoint is.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::language_model {

struct Address {
  bool is_encrypted = false;
  std::string host;  // "api.deepseek.com", "::1"
  int port = 0;      // 443 and 80 where the URL has none
  std::string path;  // "/v1", or "": what stands before /chat/completions
  bool is_on_this_machine() const;
};

// "" or what is wrong with a base_url. Does not repeat it: a secret may have slipped in.
std::string complaint_about_url(const std::string& base_url);
// Of one that nothing is wrong with.
Address address_of(const std::string& base_url);

}  // namespace tsrec::language_model
