// Built with another compiler, and like this tsrec in all else.
#include "bad/facts.hpp"

#undef TSREC_FACT_COMPILER
#define TSREC_FACT_COMPILER "CLANG-99"
TSREC_BAD_FACTS(TSREC_FACTS)
