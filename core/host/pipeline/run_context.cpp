#include "pipeline/run_context.hpp"

#include "support/signals.hpp"
#include "tsrec/io/files.hpp"
#include "tsrec/random.hpp"

namespace tsrec::host {

RunContext::RunContext(const RunSettings& settings, std::string stage,
                       const std::filesystem::path& curve, Trackers* trackers)
    : settings_(settings),
      stage_(std::move(stage)),
      began_(std::chrono::steady_clock::now()),
      listeners_{&bar_, &lines_} {
  if (curve.empty()) return;
  curve_.emplace(stage_, curve);
  listeners_.push_back(&*curve_);
  if (trackers == nullptr) return;
  feed_.emplace(*trackers, stage_, /*waits=*/curve_->bytes() > 0,
                [this](const std::string& sentence) { tell(Level::warning, sentence); });
  listeners_.push_back(&*feed_);
}

RunContext::~RunContext() = default;

void RunContext::log(Level level, std::string_view message) {
  if (level == Level::debug) return;
  const std::lock_guard lock(mutex_);
  tell(level, message);
}

void RunContext::tell(Level level, std::string_view message) {
  for (Listener* listener : listeners_) listener->log(level, message);
}

void RunContext::number(std::string_view name, double value, int64_t step) {
  const std::lock_guard lock(mutex_);
  for (Listener* listener : listeners_) listener->number(name, value, step);
}

void RunContext::progress(std::string_view what, int64_t done, int64_t total) {
  const std::lock_guard lock(mutex_);
  for (Listener* listener : listeners_) listener->progress(what, done, total);
}

void RunContext::count(std::string_view name, int64_t amount) {
  const std::lock_guard lock(mutex_);
  counters_[std::string(name)] += amount;
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
  const std::chrono::duration<double, std::ratio<60>> minutes =
      std::chrono::steady_clock::now() - began_;
  return stop_requested() ||
         (settings_.time_budget_minutes > 0 && minutes.count() > settings_.time_budget_minutes);
}

void RunContext::add_listener(Listener& listener) {
  const std::lock_guard lock(mutex_);
  listeners_.push_back(&listener);
}

void RunContext::remove_listener(Listener& listener) {
  const std::lock_guard lock(mutex_);
  std::erase(listeners_, &listener);
}

int64_t RunContext::curve_bytes() { return curve_ ? curve_->bytes() : 0; }

void RunContext::truncate_curve(int64_t bytes) {
  if (!curve_) return;
  curve_->truncate(bytes);
  const std::lock_guard lock(mutex_);
  if (feed_) feed_->go_on(curve_->file());
}

}  // namespace tsrec::host
