// Work in a child process, so that a crash ends the work and not the host.
#pragma once

#include <functional>
#include <string>

#include "support/api.hpp"

namespace tsrec::host {

struct ChildOutcome {
  std::string result;    // what the work returned; "" when it did not come to its end
  std::string said;      // what it wrote to standard error and standard output
  std::string ending;    // "" when it came to its end; else "signal 11 (Segmentation fault)"
  bool is_late = false;  // its time was over, which is the ending
};
// Forks: nothing that the work changes is seen here. More than `seconds` end it by SIGALRM. To be
// called before threads are at work.
TSREC_HOST_API ChildOutcome in_child(const std::function<std::string()>& work, unsigned seconds);

// status: of waitpid(). "signal 11 (Segmentation fault)" or "exit code 3".
TSREC_HOST_API std::string ending_of(int status);
// Lines joined to one, the last `most` characters of it.
TSREC_HOST_API std::string one_line(const std::string& text, size_t most = 400);

}  // namespace tsrec::host
