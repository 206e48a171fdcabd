// Uses a function that it does not link.
#include "bad/facts.hpp"

TSREC_BAD_FACTS(TSREC_FACTS)

namespace acme {
int fast(int);
}
extern "C" TSREC_API const void* tsrec_plugin() noexcept {
  return acme::fast(1) == 1 ? "never" : nullptr;
}
