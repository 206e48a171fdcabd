// Linked against a LibTorch of its own.
#include "bad/facts.hpp"

TSREC_BAD_FACTS(TSREC_FACTS)
extern "C" TSREC_API const void* tsrec_plugin() noexcept { return nullptr; }
