#include "support/endings.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "support/exit_code.hpp"

namespace tsrec::host {
namespace {

FindOpenCall find_open_call = nullptr;
const char* advice_behind = "";
std::array<char, 200> running_stage{};  // "": none

OpenCall open_call() noexcept { return find_open_call == nullptr ? OpenCall() : find_open_call(); }

// Texts that become one write(); what does not fit is left out.
class Line {
 public:
  Line& operator<<(const char* text) noexcept {
    while (*text != '\0' && size_ + 1 < text_.size()) text_[size_++] = *text++;
    return *this;
  }
  void write() noexcept {
    text_[size_++] = '\n';
    const ssize_t wrote = ::write(STDERR_FILENO, text_.data(), size_);
    static_cast<void>(wrote);  // nobody could be told
  }

 private:
  std::array<char, 2000> text_;
  size_t size_ = 0;
};

struct Crash {
  int signal;
  const char* text;  // strsignal() may allocate
  struct sigaction before;
};
std::array<Crash, 5> crashes = {{{SIGSEGV, ", by signal 11 (Segmentation fault)", {}},
                                 {SIGBUS, ", by signal 7 (Bus error)", {}},
                                 {SIGFPE, ", by signal 8 (Floating point exception)", {}},
                                 {SIGILL, ", by signal 4 (Illegal instruction)", {}},
                                 {SIGABRT, ", by signal 6 (Aborted)", {}}}};

// Says who, then lets happen what would have happened: the action of before is put back, and taken
// when this returns, because the failing instruction is tried again or the signal was raised again.
// So exit status and core dump are those of the crash.
void on_crash(int signal, siginfo_t* info, void*) {
  const int old_errno = errno;
  for (const Crash& crash : crashes) {
    if (crash.signal != signal) continue;
    say_of_open_call("ended the process", {crash.text, advice_behind});
    ::sigaction(signal, &crash.before, nullptr);
  }
  const bool is_sent = info->si_code <= 0;  // by raise(), abort() or kill(), not by an instruction
  if (is_sent) ::raise(signal);
  errno = old_errno;
}

void refuse_exit() {
  if (!is_part_called() && running_stage[0] == '\0') return;  // the program's own end
  say_of_open_call("ended the process",
                   {", by calling exit(); a part that cannot go on throws", advice_behind});
  ::_exit(kFailed);
}

// A handler needs one where the thread's own has overflowed.
void give_handlers_a_stack() {
  static std::array<char, 64 << 10> memory;
  stack_t stack{};
  ::sigaltstack(nullptr, &stack);
  if ((stack.ss_flags & SS_DISABLE) == 0) return;  // a sanitizer's
  stack = {};
  stack.ss_sp = memory.data();
  stack.ss_size = memory.size();
  ::sigaltstack(&stack, nullptr);
}

}  // namespace

void name_who_ends_the_process(FindOpenCall find, const char* advice) {
  find_open_call = find;
  advice_behind = advice;
  static bool is_watching = false;
  if (std::exchange(is_watching, true)) return;
  give_handlers_a_stack();
  for (Crash& crash : crashes) {
    struct sigaction action {};
    action.sa_sigaction = on_crash;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigaction(crash.signal, &action, &crash.before);
  }
  std::atexit(refuse_exit);
  std::at_quick_exit(refuse_exit);
}

RunningStage::RunningStage(const std::string& name) {
  const size_t count = std::min(name.size(), running_stage.size() - 1);
  std::copy_n(name.data(), count, running_stage.data());
  running_stage[count] = '\0';
}

RunningStage::~RunningStage() { running_stage[0] = '\0'; }

bool is_part_called() noexcept { return open_call().part != nullptr; }

void say_of_open_call(const char* did, std::initializer_list<const char*> rest) noexcept {
  const OpenCall call = open_call();
  const bool has_stage = running_stage[0] != '\0';
  Line line;
  line << "tsrec: ";
  if (call.part != nullptr) {
    line << call.part << " " << did << " in " << call.method;
    if (has_stage) line << ", in the stage " << running_stage.data();
  } else if (has_stage) {
    line << "the stage " << running_stage.data() << " " << did;
  } else {
    return;
  }
  for (const char* text : rest) line << text;
  line.write();
}

void say_at_once(const char* sentence) noexcept {
  Line line;
  (line << sentence).write();
}

}  // namespace tsrec::host
