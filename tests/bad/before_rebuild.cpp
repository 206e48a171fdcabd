// Under development, and about to be rebuilt as after_rebuild.cpp: its part will have another name.
#include "bad/one_metric.hpp"

TSREC_PLUGIN("acme.rebuilt", "0.1.0", tsrec::bad::one_metric("always"))
