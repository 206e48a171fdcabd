// A stop while a kernel keeps numbers in the stack pointer, as those of oneDNN do.
#include "support/signals.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <string>
#include <thread>

#include "support/child.hpp"

namespace tsrec::host {
namespace {

#ifdef __x86_64__
// The stack pointer points into `memory` from when it says so until it is told to come back.
void wander(char* memory, std::atomic<char>& is_away, const std::atomic<char>& is_over) {
  asm volatile(
      "movq %%rsp, %%r12\n\t"
      "movq %[memory], %%rsp\n\t"
      "movb $1, (%[is_away])\n"
      "1:\n\t"
      "pause\n\t"
      "cmpb $0, (%[is_over])\n\t"
      "je 1b\n\t"
      "movq %%r12, %%rsp"
      :
      : [memory] "r"(memory), [is_away] "r"(&is_away), [is_over] "r"(&is_over)
      : "r12", "memory", "cc");
}

TEST(Signals, AStopWritesNothingWhereTheStackPointerHappensToPoint) {
  const ChildOutcome outcome = in_child(
      [] {
        watch_signals(/*acknowledges=*/false);
        std::string memory(1 << 17, 'x');
        std::atomic<char> is_away = 0, is_over = 0;
        std::thread others([&] {
          while (is_away == 0) std::this_thread::yield();
          ::kill(::getpid(), SIGTERM);
          while (!stop_requested()) std::this_thread::yield();
          is_over = 1;
        });
        wander(memory.data() + memory.size() / 2, is_away, is_over);
        others.join();
        return std::to_string(std::ranges::count(memory, 'x'));
      },
      /*seconds=*/20);
  EXPECT_EQ(outcome.result, std::to_string(1 << 17)) << outcome.ending << outcome.said;
}
#endif

TEST(Signals, AChildIsEndedByAStopAlthoughItsParentWaitsForThem) {
  const ChildOutcome outcome = in_child(
      [] {
        watch_signals(/*acknowledges=*/false);
        return in_child(
                   [] {
                     ::raise(SIGTERM);
                     return std::string();
                   },
                   /*seconds=*/20)
            .ending;
      },
      /*seconds=*/30);
  EXPECT_NE(outcome.result.find("15"), std::string::npos) << outcome.result << outcome.ending;
}

}  // namespace
}  // namespace tsrec::host
