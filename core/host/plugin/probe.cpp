#include "plugin/probe.hpp"

#include <dlfcn.h>

#include "support/child.hpp"

namespace tsrec::host {

std::string probe(const std::filesystem::path& file) {
  constexpr unsigned kSeconds = 30;  // a constructor that never ends is ended
  const ChildOutcome outcome = in_child(
      [&file] {
        // Whether it can be opened, the host finds out by itself; here only surviving it counts.
        ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
        return std::string("loaded");
      },
      kSeconds);
  if (outcome.ending.empty()) return "";
  return outcome.ending + (outcome.said.empty() ? "" : ": " + one_line(outcome.said));
}

}  // namespace tsrec::host
