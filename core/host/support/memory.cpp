#include "support/memory.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
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

void give_back_what_grew() {
  constexpr int64_t kWorthIt = int64_t{64} << 20;
  static std::atomic<int64_t> least = 0;
  const int64_t now = memory_in_use();
  if (now < least + kWorthIt) {
    least = std::min<int64_t>(least, now);
  } else {
    give_back_freed_memory();
    least = memory_in_use();
  }
}

int64_t memory_in_use() {
  int64_t all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

void forget_peak_memory() { std::ofstream("/proc/self/clear_refs") << "5"; }

int64_t peak_memory() { return status_bytes("VmHWM:"); }

}  // namespace tsrec::host
