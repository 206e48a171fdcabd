// The table of a tsrec whose plugins had no version.
#include "bad/facts.hpp"

TSREC_BAD_FACTS(TSREC_FACTS)

namespace {
struct OldInfo {
  unsigned long size;
  const char *abi, *name;
};
constexpr OldInfo kOld = {sizeof(OldInfo), TSREC_FACTS, "acme.old"};
}  // namespace

extern "C" TSREC_API const void* tsrec_plugin() noexcept { return &kOld; }
