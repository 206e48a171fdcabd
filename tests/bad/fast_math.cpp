// Loading it turns denormal numbers into 0, which is what -ffast-math links into a library: GCC's
// crtfastmath.o sets the same two bits. Newer compilers leave that file out, so they are set here.
#include <xmmintrin.h>

#include "bad/facts.hpp"

TSREC_BAD_FACTS(TSREC_FACTS)

namespace {

constexpr unsigned kFlushToZero = 0x8000, kDenormalsAreZero = 0x0040;

__attribute__((constructor)) void set_fast_math() {
  _mm_setcsr(_mm_getcsr() | kFlushToZero | kDenormalsAreZero);
}

}  // namespace

extern "C" TSREC_API const void* tsrec_plugin() noexcept { return nullptr; }
