// An exception out of a static constructor ends the process that loads this.
#include <stdexcept>

#include "bad/facts.hpp"

TSREC_BAD_FACTS(TSREC_FACTS)

namespace {
struct Table {
  Table() { throw std::runtime_error("no table today"); }
} table;
}  // namespace

extern "C" TSREC_API const void* tsrec_plugin() noexcept { return nullptr; }
