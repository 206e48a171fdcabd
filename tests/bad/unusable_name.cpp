#include "bad/plain_quantizer.hpp"

TSREC_PLUGIN("acme.names", "1.2.0", tsrec::bad::plain_quantizer("My Quantizer"))
