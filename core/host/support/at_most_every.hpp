// What is worth doing now and then only, such as writing a file that somebody may be watching.
#pragma once

#include "support/stopwatch.hpp"

namespace tsrec::host {

class AtMostEvery {
 public:
  explicit AtMostEvery(Clock::duration every) : every_(every), last_(Clock::now()) {}

  // Whether so much time has passed since the last time that it was, or since the beginning.
  bool is_due() {
    const Clock::time_point now = Clock::now();
    if (now - last_ < every_) return false;
    last_ = now;
    return true;
  }

 private:
  Clock::duration every_;
  Clock::time_point last_;
};

}  // namespace tsrec::host
