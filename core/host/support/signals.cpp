#include "support/signals.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <thread>

#include "support/endings.hpp"

namespace tsrec::host {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::seconds;

// `timeout` and job schedulers signal the process and its group: one stop that arrives twice.
constexpr seconds kOneStop(2);
constexpr seconds kGrace(10);  // for a part to come back in, before it is named

std::atomic<bool> requested = false;
pthread_t watcher;

sigset_t stops() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGINT);
  ::sigaddset(&signals, SIGTERM);
  return signals;
}

// Whether a stop came in that time.
bool comes_within(Clock::duration time) {
  const sigset_t signals = stops();
  const Clock::time_point end = Clock::now() + time;
  for (;;) {
    const auto rest = std::max(end - Clock::now(), Clock::duration::zero());
    const auto whole = std::chrono::duration_cast<seconds>(rest);
    const timespec limit{
        whole.count(), std::chrono::duration_cast<std::chrono::nanoseconds>(rest - whole).count()};
    if (::sigtimedwait(&signals, nullptr, &limit) > 0) return true;
    if (errno == EAGAIN) return false;
  }
}

void end_at_a_second_stop(Clock::duration time, Clock::time_point first) {
  const Clock::time_point end = Clock::now() + time;
  while (comes_within(end - Clock::now())) {
    if (Clock::now() - first >= kOneStop) std::_Exit(130);
  }
}

void wait_for_stops(bool acknowledges) {
  constexpr std::chrono::hours kEver(1);
  while (!comes_within(kEver)) {
  }
  const Clock::time_point first = Clock::now();
  requested = true;
  if (acknowledges) say_at_once("tsrec: stopping at the next step; once more to end at once");
  // No part is being called where the host itself is at work, such as on a checkpoint: then it
  // looks again later.
  do {
    end_at_a_second_stop(kGrace, first);
  } while (!is_part_called());
  say_of_open_call("is still", {", 10 seconds after the stop; once more to end at once, or wait"});
  for (;;) end_at_a_second_stop(kEver, first);
}

// A thread that was there before the signals were held takes one now and then.
void pass_on(int signal) {
  const int old_errno = errno;
  ::pthread_kill(watcher, signal);
  errno = old_errno;
}

}  // namespace

void hold_signals() {
  const sigset_t signals = stops();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

void release_signals() {
  const sigset_t signals = stops();
  for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, SIG_DFL);
  ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

void watch_signals(bool acknowledges) {
  hold_signals();
  std::thread thread(wait_for_stops, acknowledges);
  watcher = thread.native_handle();
  thread.detach();
  struct sigaction action {};
  action.sa_handler = pass_on;
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM}) ::sigaction(signal, &action, nullptr);
}

bool stop_requested() { return requested; }

}  // namespace tsrec::host
