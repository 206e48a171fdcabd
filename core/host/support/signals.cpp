#include "support/signals.hpp"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>

#include "support/endings.hpp"

namespace tsrec::host {
namespace {

volatile std::sig_atomic_t requested = 0;

volatile std::sig_atomic_t requested_at = 0;  // seconds, of a clock that only runs forward

volatile std::sig_atomic_t is_acknowledged_here = 1;

constexpr unsigned kGraceSeconds = 10;  // for a part to come back in, before it is named

// `timeout` and job schedulers signal the process and its group: one stop that arrives twice.
void on_signal(int) {
  const int old_errno = errno;
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  if (requested != 0 && now.tv_sec - requested_at > 1) std::_Exit(130);
  if (requested == 0) {
    requested_at = static_cast<std::sig_atomic_t>(now.tv_sec);
    if (is_acknowledged_here != 0)
      say_at_once("tsrec: stopping at the next step; once more to end at once");
    ::alarm(kGraceSeconds);
  }
  requested = 1;
  errno = old_errno;
}

// No part is being called where the host itself is at work, such as on a checkpoint: then it looks
// again later.
void on_grace_over(int) {
  const int old_errno = errno;
  if (is_part_called()) {
    say_of_open_call("is still",
                     {", 10 seconds after the stop; once more to end at once, or wait"});
  } else {
    ::alarm(kGraceSeconds);
  }
  errno = old_errno;
}

sigset_t stops() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGINT);
  ::sigaddset(&signals, SIGTERM);
  return signals;
}

}  // namespace

void hold_signals() {
  const sigset_t signals = stops();
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
}

void watch_signals(bool acknowledges) {
  is_acknowledged_here = acknowledges ? 1 : 0;
  std::signal(SIGALRM, on_grace_over);
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  const sigset_t signals = stops();
  ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
}

bool stop_requested() { return requested != 0; }

}  // namespace tsrec::host
