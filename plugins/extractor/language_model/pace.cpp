#include "pace.hpp"

namespace tsrec::language_model {

Pace::Pace(double requests_per_minute)
    : gap_(requests_per_minute > 0
               ? std::chrono::duration_cast<Clock::duration>(Seconds(60 / requests_per_minute))
               : Clock::duration(0)) {}

bool Pace::wait_turn() {
  std::unique_lock lock(mutex_);
  while (!is_stopped_) {
    const Clock::time_point now = Clock::now(), turn = std::max(next_turn_, held_until_);
    if (now >= turn) {
      next_turn_ = now + gap_;
      return true;
    }
    wake_.wait_until(lock, turn);
  }
  return false;
}

bool Pace::sleep(Seconds time) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, time, [this] { return is_stopped_; });
}

void Pace::hold(Seconds time) {
  const std::lock_guard lock(mutex_);
  held_until_ =
      std::max(held_until_, Clock::now() + std::chrono::duration_cast<Clock::duration>(time));
}

void Pace::stop() {
  const std::lock_guard lock(mutex_);
  is_stopped_ = true;
  wake_.notify_all();
}

bool Pace::is_stopped() const {
  const std::lock_guard lock(mutex_);
  return is_stopped_;
}

}  // namespace tsrec::language_model
