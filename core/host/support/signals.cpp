#include "support/signals.hpp"

#include <csignal>
#include <cstdlib>
#include <ctime>

namespace tsrec::host {
namespace {

volatile std::sig_atomic_t requested = 0;

volatile std::sig_atomic_t requested_at = 0;  // seconds, of a clock that only runs forward

// `timeout` and job schedulers signal the process and its group: one stop that arrives twice.
void on_signal(int) {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  if (requested != 0 && now.tv_sec - requested_at > 1) std::_Exit(130);
  if (requested == 0) requested_at = static_cast<std::sig_atomic_t>(now.tv_sec);
  requested = 1;
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

void watch_signals() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  const sigset_t signals = stops();
  ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
}

bool stop_requested() { return requested != 0; }

}  // namespace tsrec::host
