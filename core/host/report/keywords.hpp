// What SID tokens mean, in a few words each.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "support/api.hpp"
#include "tsrec/sid.hpp"

namespace tsrec::host {

// "guitar, strings, tuner" by token: the first keywords of its note, at most so many bytes. A token
// without keywords is not there.
using Keywords = std::map<std::string, std::string>;
TSREC_HOST_API Keywords keywords_of(const std::vector<TokenNote>& notes, size_t most = 40);

}  // namespace tsrec::host
