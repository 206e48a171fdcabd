#include "plugin/attribution.hpp"

#include <algorithm>
#include <deque>
#include <mutex>

namespace tsrec::host {
namespace {

struct Blamed {
  std::exception_ptr thrown;
  Identity part;
  const char* method;
};

// Threads may throw side by side, and one of them is heard; parts may catch what their own parts
// throw. So several are kept, and the oldest goes. Never destroyed: an exception may be of a type
// that a plugin destroys.
class Memory {
 public:
  void keep(Blamed blamed) {
    const std::lock_guard lock(mutex_);
    if (find(blamed.thrown) != nullptr) return;
    constexpr size_t kMost = 1024;
    if (kept_.size() == kMost) kept_.pop_front();
    kept_.push_back(std::move(blamed));
  }
  std::string text_of(const std::exception_ptr& thrown) {
    const std::lock_guard lock(mutex_);
    const Blamed* blamed = find(thrown);
    if (blamed == nullptr) return "";
    const PartIdentity& part = *blamed->part;
    return "\n  in " + part.described + " in " + blamed->method +
           (part.unusual.empty() ? ""
                                 : "\n  options that differ from the default: " + part.unusual);
  }

 private:
  const Blamed* find(const std::exception_ptr& thrown) const {
    const auto found = std::find_if(kept_.begin(), kept_.end(),
                                    [&](const Blamed& kept) { return kept.thrown == thrown; });
    return found == kept_.end() ? nullptr : &*found;
  }
  std::mutex mutex_;
  std::deque<Blamed> kept_;
};

Memory& memory() {
  static auto* const only = new Memory;
  return *only;
}

}  // namespace

void blame(const std::exception_ptr& thrown, const Identity& part, const char* method) {
  memory().keep({thrown, part, method});
}

std::string whose_call(const std::exception_ptr& thrown) { return memory().text_of(thrown); }

Guarded::~Guarded() = default;

void in_the_name_of(const Part& part, const char* method, const std::function<void()>& look) {
  const auto* guarded = dynamic_cast<const Guarded*>(&part);
  if (guarded == nullptr) return look();
  in_call(guarded->identity(), method, look);
}

}  // namespace tsrec::host
