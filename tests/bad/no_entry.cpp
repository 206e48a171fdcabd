// Facts, and nothing behind them.
#include "bad/facts.hpp"

TSREC_BAD_FACTS(TSREC_FACTS)
