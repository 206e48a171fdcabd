#include "support/child.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

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
