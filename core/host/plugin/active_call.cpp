#include "plugin/active_call.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>

namespace tsrec::host {
namespace {

// Without a call into the dynamic loader, which a signal handler could not make.
thread_local constinit std::atomic<const ActiveCall*> innermost
    __attribute__((tls_model("initial-exec"))) = nullptr;

// The calls of one thread, the first that opened one, for all threads to read: not the objects
// themselves, which may be gone when they are looked at, but what they are called by.
class Board {
 public:
  // True when the thread may write here: it does so already, or nobody does.
  bool is_for(const void* thread, bool has_calls) noexcept {
    const void* writer = writer_.load(std::memory_order_acquire);
    if (writer == thread) return true;
    if (writer != nullptr || has_calls) return false;
    return writer_.compare_exchange_strong(writer, thread, std::memory_order_acq_rel);
  }
  void push(ActiveCall::Names names) noexcept {
    const size_t depth = depth_.load(std::memory_order_relaxed);
    ++version_;
    if (depth < kMost) {
      calls_[depth].part.store(names.part, std::memory_order_relaxed);
      calls_[depth].method.store(names.method, std::memory_order_relaxed);
    }
    depth_.store(depth + 1, std::memory_order_relaxed);
    ++version_;
  }
  void pop() noexcept {
    const size_t depth = depth_.load(std::memory_order_relaxed) - 1;
    ++version_;
    depth_.store(depth, std::memory_order_relaxed);
    ++version_;
    if (depth == 0) writer_.store(nullptr, std::memory_order_release);
  }
  // Read again when somebody wrote meanwhile; both names are good for printing whatever happens.
  ActiveCall::Names top() const noexcept {
    ActiveCall::Names names;
    for (int attempt = 0; attempt < 100; ++attempt) {
      const uint64_t before = version_.load();
      const size_t depth = std::min(kMost, depth_.load());
      names = {};
      if (depth > 0) names = {calls_[depth - 1].part.load(), calls_[depth - 1].method.load()};
      if (before % 2 == 0 && before == version_.load()) break;
    }
    return names;
  }

 private:
  static constexpr size_t kMost = 32;  // deeper ones are not told apart
  struct Call {
    std::atomic<const char*> part = nullptr, method = nullptr;
  };
  std::array<Call, kMost> calls_;
  std::atomic<size_t> depth_ = 0;
  std::atomic<uint64_t> version_ = 0;  // odd while somebody writes
  std::atomic<const void*> writer_ = nullptr;
};

constinit Board board;

}  // namespace

ActiveCall::ActiveCall(const char* part, const char* method) noexcept
    : names_{part, method},
      outer_(innermost.load(std::memory_order_relaxed)),
      is_on_board_(board.is_for(&innermost, outer_ != nullptr)) {
  if (is_on_board_) board.push(names_);
  innermost.store(this, std::memory_order_release);
}

ActiveCall::~ActiveCall() {
  innermost.store(outer_, std::memory_order_release);
  if (is_on_board_) board.pop();
}

ActiveCall::Names ActiveCall::of_this_thread() noexcept {
  const ActiveCall* own = innermost.load(std::memory_order_acquire);
  return own != nullptr ? own->names_ : board.top();
}

}  // namespace tsrec::host
