#include "support/child.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "support/signals.hpp"
#include "tsrec/error.hpp"

namespace tsrec::host {
namespace {

constexpr char kResult = '\x1e';  // separates what was said from the result

// noexcept: an exception ends the child here, as it would end the host, and not in somebody's
// catch.
[[noreturn]] void work_and_exit(const std::function<std::string()>& work, unsigned seconds,
                                int out) noexcept {
  ::dup2(out, STDERR_FILENO);
  ::dup2(out, STDOUT_FILENO);
  for (const int signal : {SIGINT, SIGTERM, SIGALRM}) std::signal(signal, SIG_DFL);
  ::alarm(seconds);
  const std::string result = kResult + work();
  std::fflush(nullptr);
  for (size_t at = 0; at < result.size();) {
    const ssize_t wrote = ::write(out, result.data() + at, result.size() - at);
    if (wrote > 0) at += static_cast<size_t>(wrote);
    if (wrote < 0 && errno != EINTR) break;
  }
  ::_exit(0);  // without the destructors of a process that goes on elsewhere
}

[[noreturn]] void become(std::vector<std::string> command, int out, bool draws) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  hold_signals();
  if (draws)
    ::setenv("TSREC_TERMINAL", "1", /*overwrite=*/1);
  else
    ::unsetenv("TSREC_TERMINAL");
  ::dup2(out, STDERR_FILENO);
  std::vector<char*> arguments;
  for (std::string& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execv(arguments.front(), arguments.data());
  ::_exit(127);
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got > 0) text.append(buffer.data(), static_cast<size_t>(got));
    if (got == 0 || (got < 0 && errno != EINTR)) return text;
  }
}

}  // namespace

ChildOutcome in_child(const std::function<std::string()>& work, unsigned seconds) {
  std::array<int, 2> pipe{};
  if (::pipe(pipe.data()) != 0) return {"", "", std::string("no pipe: ") + std::strerror(errno)};
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) work_and_exit(work, seconds, pipe[1]);
  ::close(pipe[1]);
  if (child < 0) {
    ::close(pipe[0]);
    return {"", "", std::string("no process: ") + std::strerror(errno)};
  }
  ChildOutcome outcome;
  outcome.said = read_all(pipe[0]);
  ::close(pipe[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  const size_t mark = outcome.said.rfind(kResult);
  if (mark != std::string::npos && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    outcome.result = outcome.said.substr(mark + 1);
    outcome.said.resize(mark);
    return outcome;
  }
  outcome.is_late = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
  outcome.ending = outcome.is_late ? "the clock, after " + std::to_string(seconds) + " seconds"
                                   : ending_of(status);
  return outcome;
}

// Other children do not hold the pipe open: its end is the end of this one.
Program::Program(std::vector<std::string> command, bool draws) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0)
    throw Error("no pipe for a child process: ", std::strerror(errno));
  process_ = ::fork();
  if (process_ == 0) become(std::move(command), pipe[1], draws);
  ::close(pipe[1]);
  words_ = pipe[0];
  if (process_ < 0) {
    const int problem = errno;
    ::close(words_);
    throw Error("no child process: ", std::strerror(problem));
  }
}

Program::~Program() {
  if (process_ > 0) {
    stop();
    wait();
  }
  ::close(words_);
}

void Program::stop() {
  if (!is_told_to_stop_) ::kill(process_, SIGTERM);
  is_told_to_stop_ = true;
}

int Program::wait() {
  int status = 0;
  while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
  }
  process_ = -1;
  return status;
}

std::string ending_of(int status) {
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    return "signal " + std::to_string(signal) + " (" + ::strsignal(signal) +
           (signal == SIGKILL ? ", as the kernel does when memory runs out)" : ")");
  }
  return "exit code " + std::to_string(WEXITSTATUS(status));
}

std::string one_line(const std::string& text, size_t most) {
  std::string line;
  for (const char c : text) {
    const bool is_space = c == '\n' || c == '\r' || c == ' ';
    if (!is_space) {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line.size() > most ? line.substr(line.size() - most) : line;
}

}  // namespace tsrec::host
