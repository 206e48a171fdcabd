#include "support/signals.hpp"

#include <csignal>
#include <cstdlib>

namespace tsrec::host {
namespace {

volatile std::sig_atomic_t requested = 0;

void on_signal(int) {
  if (requested != 0) std::_Exit(130);
  requested = 1;
}

}  // namespace

void watch_signals() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
}

bool stop_requested() { return requested != 0; }

}  // namespace tsrec::host
