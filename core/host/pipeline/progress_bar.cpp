#include "pipeline/progress_bar.hpp"

#include <unistd.h>

#include <iostream>

namespace tsrec::host {
namespace {

std::string duration_text(double seconds) {
  const auto whole = static_cast<int64_t>(seconds + 0.5);
  return whole < 60 ? c10::str(whole, " s") : c10::str(whole / 60, " min ", whole % 60, " s");
}

Clock::duration pace_of(bool is_terminal) {
  return is_terminal ? Clock::duration(std::chrono::milliseconds(200)) : std::chrono::seconds(15);
}

}  // namespace

ProgressBar::ProgressBar()
    // Behind --isolate a parent passes on what is said here, to a terminal if it has one.
    : is_terminal_(::isatty(STDERR_FILENO) == 1 || std::getenv("TSREC_TERMINAL") != nullptr),
      pace_(pace_of(is_terminal_)),
      began_(Clock::now()) {}

ProgressBar::~ProgressBar() { end(); }

void ProgressBar::end() {
  if (is_open_ && is_terminal_) std::cerr << '\n';
  is_open_ = false;
}

void ProgressBar::progress(std::string_view what, int64_t done, int64_t total) {
  if (what_ != what) {
    end();
    what_ = what;
    pace_ = AtMostEvery(pace_of(is_terminal_));
    began_ = Clock::now();
    start_ = done;
  }
  const bool is_last = done >= total;
  if (!is_last && !pace_.is_due()) return;
  if (is_last && !is_open_ && seconds_since(began_) < 2) return;
  const double share = total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 1;
  // By the pace since this bar began: a resumed stage, or one that paused for a validation, begins
  // in the middle.
  const auto fresh = static_cast<double>(done - start_);
  const double to_come = static_cast<double>(total - done);
  const std::string left =
      fresh > 0 && !is_last
          ? ", " + duration_text(seconds_since(began_) / fresh * to_come) + " left"
          : "";
  const std::string text = c10::str("  ", what, " ", done, "/", total, " (",
                                    static_cast<int64_t>(100 * share), " %", left, ")");
  if (is_terminal_) {
    const auto filled = static_cast<size_t>(24 * share);
    std::cerr << "\r\033[K  [" << std::string(filled, '#') << std::string(24 - filled, '.') << ']'
              << text << std::flush;
    is_open_ = true;
    if (is_last) end();
  } else {
    std::cerr << text << std::endl;
    is_open_ = !is_last;
  }
}

}  // namespace tsrec::host
