// A name that tsrec's own plugin has.
#include "bad/plain_quantizer.hpp"

TSREC_PLUGIN("acme.opq", "1.2.0", tsrec::bad::plain_quantizer("rq_kmeans"))
