// Many tests at once: p-values adjusted over their family.
#pragma once

#include <string>
#include <vector>

#include "support/api.hpp"

namespace tsrec::host {

// holm: no false finding in the whole family, 19 times in 20. benjamini_hochberg: of all findings
// at most 5 % are false on average (tests independent or positively dependent, as the numbers of
// one list are).
enum class Correction : uint8_t { holm, benjamini_hochberg };
// Of what name_of() gives.
TSREC_HOST_API Correction correction_named(const std::string& name);
TSREC_HOST_API const char* name_of(Correction correction);    // "holm", "benjamini_hochberg"
TSREC_HOST_API const char* person_of(Correction correction);  // "Holm", "Benjamini-Hochberg"

// Holm's step-down adjustment, in the order given.
TSREC_HOST_API std::vector<double> holm(const std::vector<double>& p);
// Benjamini's and Hochberg's step-up adjustment, in the order given.
TSREC_HOST_API std::vector<double> benjamini_hochberg(const std::vector<double>& p);
TSREC_HOST_API std::vector<double> adjusted(const std::vector<double>& p, Correction correction);

}  // namespace tsrec::host
