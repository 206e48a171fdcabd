#include "support/memory.hpp"

#include <fstream>
#include <string>
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace tsrec::host {

namespace {

// A line of /proc/self/status, in bytes.
int64_t status_bytes(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    int64_t kibibytes = 0;
    if (word == name && status >> kibibytes) return kibibytes * 1024;
  }
  return 0;
}

}  // namespace

void give_back_freed_memory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

int64_t memory_in_use() { return status_bytes("VmRSS:"); }

void forget_peak_memory() { std::ofstream("/proc/self/clear_refs") << "5"; }

int64_t peak_memory() { return status_bytes("VmHWM:"); }

}  // namespace tsrec::host
