#include "bad/plain_quantizer.hpp"

TSREC_PLUGIN("acme.twice", "1.2.0", tsrec::bad::plain_quantizer("twice"),
             tsrec::bad::plain_quantizer("twice"))
