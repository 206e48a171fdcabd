// What the executable's exit code says.
#pragma once

namespace tsrec::host {

enum ExitCode {
  kFine = 0,
  kNumbersDiffer = 1,
  kBadConfig = 2,
  kBadPlugin = 3,
  kFailed = 4,
  kStopped = 5
};

}  // namespace tsrec::host
