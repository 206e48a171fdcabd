#include "bad/one_metric.hpp"

TSREC_PLUGIN("acme.rebuilt", "0.1.0", tsrec::bad::one_metric("ever"))
