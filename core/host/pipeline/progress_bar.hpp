// How far a long loop is: a bar with the time left on a terminal, else a line now and then.
#pragma once

#include <chrono>

#include "pipeline/listener.hpp"

namespace tsrec::host {

class ProgressBar final : public Listener {
 public:
  ProgressBar();
  ~ProgressBar() override;
  void log(Level, std::string_view) override { end(); }  // a sentence begins on a line of its own
  void progress(std::string_view what, int64_t done, int64_t total) override;

 private:
  using Clock = std::chrono::steady_clock;
  void end();
  std::string what_;
  int64_t start_ = 0;  // units that were done when the bar began
  Clock::time_point shown_, began_;
  bool is_terminal_, is_open_ = false;
};

}  // namespace tsrec::host
