// LC-Rec's NAME.user.json: what a language model wrote of each user (Zheng et al., 2024).
#pragma once

#include "tsrec/data.hpp"

namespace tsrec::user_text {

// An item that a user came to, and words in which it might have been looked for.
struct Intention {
  std::vector<int64_t> history;  // before it, oldest first
  int64_t item = -1;
  std::vector<std::string> queries, preferences;  // may be empty; the preferences are the user's
};

struct UserFile {
  std::vector<Intention> train, test;  // by the name of the user
};

// Throws DataError where the file is malformed or names an item that the catalogue has not.
UserFile read_users(const std::filesystem::path& file, const Items& items);

}  // namespace tsrec::user_text
