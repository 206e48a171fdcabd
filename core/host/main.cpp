// The executable links nothing of LibTorch: it opens the host's library, which lies beside it, once
// it has chosen how threads wait. OpenMP reads that from the environment, while it is loaded.
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "support/exit_code.hpp"

namespace {

namespace fs = std::filesystem;

// Looks at the others' work before a thread goes to sleep, each some 50 nanoseconds long. Left
// alone, OpenMP looks 300000 times: on a busy machine threads spend their time on looking at each
// other, while the one that all wait for has no processor. With none at all, each of the many short
// loops of a training would wake threads up.
constexpr const char* kLooks = "10000";

void choose_how_threads_wait() {
  for (const char* name : {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"}) {
    if (std::getenv(name) != nullptr) return;
  }
  ::setenv("GOMP_SPINCOUNT", kLooks, /*overwrite=*/0);
}

int cannot_start(const char* what) {
  std::fprintf(stderr, "tsrec: %s: %s\n", what, ::dlerror());
  return tsrec::host::kFailed;
}

}  // namespace

int main(int argc, char** argv) {
  choose_how_threads_wait();
  std::error_code failed;
  const fs::path program = fs::read_symlink("/proc/self/exe", failed);
  const fs::path library = program.parent_path().parent_path() / "lib" / "libtsrec_host.so";
  void* const host = ::dlopen(library.c_str(), RTLD_LAZY | RTLD_GLOBAL);
  if (host == nullptr) return cannot_start("cannot load the host's library");
  void* const entry = ::dlsym(host, "tsrec_main");
  if (entry == nullptr) return cannot_start("the library beside it is of another tsrec");
  return reinterpret_cast<int (*)(int, char**)>(entry)(argc, argv);
}
