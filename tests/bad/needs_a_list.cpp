#include "bad/plain_quantizer.hpp"

TSREC_PLUGIN("acme.needs", "1.2.0", tsrec::bad::plain_quantizer("needs_a_list", "metric"))
