#include "pipeline/run_context.hpp"

#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "support/log.hpp"
#include "support/signals.hpp"
#include "tsrec/io/files.hpp"
#include "tsrec/random.hpp"

namespace tsrec::host {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point then) {
  return std::chrono::duration<double>(Clock::now() - then).count();
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<int64_t>(seconds + 0.5);
  return whole < 60 ? c10::str(whole, " s") : c10::str(whole / 60, " min ", whole % 60, " s");
}

}  // namespace

RunContext::RunContext(const RunSettings& settings, std::string stage, std::filesystem::path curve)
    : settings_(settings),
      stage_(std::move(stage)),
      curve_file_(std::move(curve)),
      began_(Clock::now()),
      shown_(began_),
      bar_began_(began_),
      // Behind --isolate a parent passes on what is said here, to a terminal if it has one.
      is_terminal_(::isatty(STDERR_FILENO) == 1 || std::getenv("TSREC_TERMINAL") != nullptr) {
  if (!curve_file_.empty()) curve_.open(curve_file_, std::ios::app);
}

RunContext::~RunContext() { end_bar(); }

void RunContext::end_bar() {
  if (bar_open_ && is_terminal_) std::cerr << '\n';
  bar_open_ = false;
}

void RunContext::log(Level level, std::string_view message) {
  if (level == Level::debug) return;
  const std::lock_guard lock(mutex_);
  end_bar();
  host::log(level, c10::str("  ", level == Level::warning ? "warning: " : "", message));
}

void RunContext::number(std::string_view name, double value, int64_t step) {
  const std::lock_guard lock(mutex_);
  if (!curve_.is_open()) return;
  curve_ << nlohmann::ordered_json{{"stage", stage_},
                                   {"name", std::string(name)},
                                   {"step", step},
                                   {"value", value}}
                .dump()
         << '\n';
  check_curve();
}

void RunContext::check_curve() const {
  if (!curve_)
    throw DataError("cannot write ", curve_file_.string(),
                    "; free some space and run the same command again");
}

void RunContext::count(std::string_view name, int64_t amount) {
  const std::lock_guard lock(mutex_);
  counters_[std::string(name)] += amount;
}

void RunContext::progress(std::string_view what, int64_t done, int64_t total) {
  const std::lock_guard lock(mutex_);
  if (bar_ != what) {
    end_bar();
    bar_ = what;
    bar_began_ = shown_ = Clock::now();
    bar_start_ = done;
  }
  const bool is_last = done >= total;
  if (!is_last && seconds_since(shown_) < (is_terminal_ ? 0.2 : 15)) return;
  if (is_last && !bar_open_ && seconds_since(bar_began_) < 2) return;
  shown_ = Clock::now();
  const double share = total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 1;
  // By the pace since this bar began: a resumed stage, or one that paused for a validation, begins
  // in the middle.
  const auto fresh = static_cast<double>(done - bar_start_);
  const double to_come = static_cast<double>(total - done);
  const std::string left =
      fresh > 0 && !is_last
          ? ", " + duration_text(seconds_since(bar_began_) / fresh * to_come) + " left"
          : "";
  std::string text = c10::str("  ", what, " ", done, "/", total, " (",
                              static_cast<int64_t>(100 * share), " %", left, ")");
  if (is_terminal_) {
    const auto filled = static_cast<size_t>(24 * share);
    std::cerr << "\r\033[K  [" << std::string(filled, '#') << std::string(24 - filled, '.') << ']'
              << text << std::flush;
    bar_open_ = true;
    if (is_last) end_bar();
  } else {
    std::cerr << text << std::endl;
    bar_open_ = !is_last;
  }
}

at::Generator RunContext::generator(std::string_view purpose, int64_t index) {
  const std::string digest =
      io::sha256(c10::str(settings_.seed, "\n", stage_, "\n", purpose, "\n", index));
  return at::detail::createCPUGenerator(std::stoull(digest.substr(0, 16), nullptr, 16));
}

// The last line is a number in the one name, and two with a stroke in the other: no name stands for
// two streams, whatever the purpose.
at::Generator RunContext::generator(std::string_view purpose, int64_t index, int64_t part) {
  return stream_of(c10::str(settings_.seed, "\n", stage_, "\n", purpose, "\n", index, "/", part));
}

bool RunContext::stopping() const {
  return stop_requested() || (settings_.time_budget_minutes > 0 &&
                              seconds_since(began_) > 60 * settings_.time_budget_minutes);
}

int64_t RunContext::curve_bytes() {
  curve_.flush();
  if (curve_.is_open()) check_curve();
  return curve_file_.empty() ? 0 : static_cast<int64_t>(std::filesystem::file_size(curve_file_));
}

void RunContext::truncate_curve(int64_t bytes) {
  if (curve_file_.empty()) return;
  curve_.close();
  std::filesystem::resize_file(curve_file_, static_cast<uintmax_t>(bytes));
  curve_.open(curve_file_, std::ios::app);
}

}  // namespace tsrec::host
