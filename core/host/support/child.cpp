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
  release_signals();
  std::signal(SIGALRM, SIG_DFL);
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

// Ends of pipes, -1 where there is none; others do not hold them open: what is written at one end
// comes to its end with the other's process.
struct Pipe {
  int from = -1, to = -1;
};
Pipe new_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    throw Error("no pipe for a child process: ", std::strerror(errno));
  return {ends[0], ends[1]};
}
void close_end(int& end) {
  if (end >= 0) ::close(end);
  end = -1;
}

[[noreturn]] void become(std::vector<std::string> command, int out, int questions, int answers,
                         bool draws) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  hold_signals();
  if (draws)
    ::setenv("TSREC_TERMINAL", "1", /*overwrite=*/1);
  else
    ::unsetenv("TSREC_TERMINAL");
  ::dup2(out, STDERR_FILENO);
  if (questions >= 0) ::dup2(questions, STDIN_FILENO);
  if (answers >= 0) ::dup2(answers, STDOUT_FILENO);
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

Program::Program(std::vector<std::string> command, bool draws, bool is_asked) {
  Pipe words = new_pipe(), questions, answers;
  if (is_asked) {
    questions = new_pipe();
    answers = new_pipe();
  }
  process_ = ::fork();
  if (process_ == 0) become(std::move(command), words.to, questions.from, answers.to, draws);
  const int problem = errno;
  for (int* end : {&words.to, &questions.from, &answers.to}) close_end(*end);
  words_ = words.from;
  questions_ = questions.to;
  answers_ = answers.from;
  if (process_ < 0) {
    for (int* end : {&words_, &questions_, &answers_}) close_end(*end);
    throw Error("no child process: ", std::strerror(problem));
  }
}

Program::~Program() {
  close_end(questions_);
  if (process_ > 0) {
    stop();
    wait();
  }
  for (int* end : {&words_, &answers_}) close_end(*end);
}

// MSG_NOSIGNAL is for sockets: a pipe whose reader is gone would end this process by SIGPIPE.
bool Program::ask(const std::string& line) {
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  const std::string whole = line + "\n";
  const bool is_given =
      ::write(questions_, whole.data(), whole.size()) == static_cast<ssize_t>(whole.size());
  std::signal(SIGPIPE, before);
  return is_given;
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
