// Which method of which part is at work: what an error, a crash or a part that does not return is
// named by.
#pragma once

#include "support/api.hpp"

namespace tsrec::host {

// As long as it lives, its thread is inside a method of a part. Calls of one thread lie within one
// another.
class TSREC_HOST_API ActiveCall {
 public:
  // part: "reward 'near_miss' (acme 0.1, near_miss.so)", method: "score()"; both outlive the call.
  ActiveCall(const char* part, const char* method) noexcept;
  ~ActiveCall();
  ActiveCall(const ActiveCall&) = delete;
  ActiveCall& operator=(const ActiveCall&) = delete;

  struct Names {
    const char* part = nullptr;
    const char* method = nullptr;
  };
  // The innermost call of this thread; on a thread without one, such as a worker of a part, the
  // innermost of the thread that began the work of this process. Null where no part is at work. May
  // be called in a signal handler.
  static Names of_this_thread() noexcept;

 private:
  Names names_;
  const ActiveCall* outer_;
  bool is_on_board_;
};

}  // namespace tsrec::host
