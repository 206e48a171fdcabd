#include "tsrec/testing/context.hpp"

#include <cmath>

#include "tsrec/random.hpp"

namespace tsrec::kit {

TestContext::~TestContext() = default;

void TestContext::complain(std::string sentence) {
  if (complaint_.empty()) complaint_ = std::move(sentence);
}

void TestContext::log(Level, std::string_view message) {
  const std::lock_guard lock(mutex_);
  if (message.empty()) complain("a log message is empty");
  messages.emplace_back(message);
}

void TestContext::number(std::string_view name, double value, int64_t step) {
  const std::lock_guard lock(mutex_);
  if (name.empty()) complain("a number has no name");
  if (!std::isfinite(value)) complain(c10::str("number '", name, "' is ", value, " at ", step));
  numbers[std::string(name)].push_back(value);
}

void TestContext::count(std::string_view name, int64_t amount) {
  const std::lock_guard lock(mutex_);
  if (name.empty()) complain("a counter has no name");
  counters[std::string(name)] += amount;
}

void TestContext::progress(std::string_view what, int64_t done, int64_t total) {
  const std::lock_guard lock(mutex_);
  if (done < 0 || total < 1 || done > total)
    complain(c10::str("progress of '", what, "' says ", done, " of ", total));
  const auto [at, is_new] = progress_.emplace(what, std::pair(done, total));
  const auto [before, before_total] = at->second;
  // A loop that was finished may be run again.
  if (!is_new && done < before && before < before_total)
    complain(c10::str("progress of '", what, "' goes back from ", before, " to ", done));
  at->second = {done, total};
}

at::Generator TestContext::generator(std::string_view purpose, int64_t index) {
  const size_t mixed = std::hash<std::string>{}(c10::str(seed_, "/", purpose, "/", index));
  return at::detail::createCPUGenerator(mixed);
}

at::Generator TestContext::generator(std::string_view purpose, int64_t index, int64_t part) {
  return stream_of(c10::str(seed_, "\n", purpose, "\n", index, "/", part));
}

}  // namespace tsrec::kit
