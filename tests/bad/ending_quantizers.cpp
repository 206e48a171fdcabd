// A good table of parts that end the process, or never come back, in their constructor.
#include <array>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "bad/plain_quantizer.hpp"

namespace {

using namespace tsrec;

void call_exit() { std::exit(0); }
void call_quick_exit() { std::quick_exit(0); }
void call_abort() { std::abort(); }

void write_to_null() {
  volatile int* volatile nowhere = nullptr;
  *nowhere = 1;
}

// As a recursion without an end: more and more of the stack is in use.
int64_t fill_the_stack(int64_t depth) {
  std::array<volatile int64_t, 1000> block;
  block[0] = depth;
  return depth < 0 ? 0 : fill_the_stack(depth + 1) + block[0];
}
void overflow() { fill_the_stack(1); }

void wait_forever() {
  for (;;) std::this_thread::sleep_for(std::chrono::milliseconds(100));
}

template <void (*action)()>
class Ending final : public bad::PlainQuantizer {
 public:
  Ending(const NoSettings& settings, Context& context) : PlainQuantizer(settings, context) {
    context.log(Level::info, "no way back from here");
    action();
  }
};

template <void (*action)()>
constexpr PartInfo ending(const char* name) {
  return part<Quantizer, Ending<action>, NoSettings>(name, 1, "Ends the process on purpose");
}

}  // namespace

TSREC_PLUGIN("acme.ending", "1.2.0", ending<call_exit>("exits"),
             ending<call_quick_exit>("quick_exits"), ending<call_abort>("aborts"),
             ending<write_to_null>("writes_to_null"), ending<overflow>("overflows"),
             ending<wait_forever>("waits_forever"))
