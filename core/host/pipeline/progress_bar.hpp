// How far a long loop is: a bar with the time left on a terminal, else a line now and then.
#pragma once

#include "pipeline/listener.hpp"
#include "support/at_most_every.hpp"

namespace tsrec::host {

class ProgressBar final : public Listener {
 public:
  ProgressBar();
  ~ProgressBar() override;
  void log(Level, std::string_view) override { end(); }  // a sentence begins on a line of its own
  void progress(std::string_view what, int64_t done, int64_t total) override;

 private:
  void end();
  std::string what_;
  int64_t start_ = 0;  // units that were done when the bar began
  bool is_terminal_, is_open_ = false;
  AtMostEvery pace_;
  Clock::time_point began_;
};

}  // namespace tsrec::host
