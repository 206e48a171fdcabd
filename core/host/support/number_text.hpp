// Numbers as people read them.
#pragma once

#include <string>

#include "support/api.hpp"

namespace tsrec::host {

TSREC_HOST_API std::string fixed(double value, int digits = 4);
TSREC_HOST_API std::string signed_fixed(double value,
                                        int digits = 4);  // with its sign, also when positive
TSREC_HOST_API std::string signed_range(double low, double high);      // "-0.0310 .. +0.0020"
TSREC_HOST_API std::string significant(double value, int digits = 4);  // "0.1234", "1.2e-05"

}  // namespace tsrec::host
