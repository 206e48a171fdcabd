// Which titles make an item admissible.
#pragma once

#include <string>

namespace tsrec::interactions {

// MiniOneRec's rule for the reviews of 2018 (method 2.2): no "<span id" in it and, once quotes and
// ampersands are decoded and blanks and quotes trimmed, more than one character in at most twenty
// pieces between single blanks.
bool is_admitted_by_minionerec(const std::string& title);
// Anything is left of it without HTML.
bool is_title(const std::string& title);

}  // namespace tsrec::interactions
