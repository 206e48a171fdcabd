// When a request may start: so many a minute, none while the server asks to wait, and none any more
// once somebody stops.
#pragma once

#include <condition_variable>
#include <mutex>

#include "retry.hpp"

namespace tsrec::language_model {

// All of it may be called from several threads. Whoever waits comes back at once on stop().
class Pace {
 public:
  explicit Pace(double requests_per_minute);  // 0: any number

  // Returns when it is this caller's turn; false: stopped.
  bool wait_turn();
  bool sleep(Seconds time);  // false: stopped
  void hold(Seconds time);   // nobody's turn comes before that
  void stop();
  bool is_stopped() const;

 private:
  using Clock = std::chrono::steady_clock;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Clock::duration gap_;
  Clock::time_point next_turn_, held_until_;
  bool is_stopped_ = false;
};

}  // namespace tsrec::language_model
