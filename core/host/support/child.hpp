// Work in a child process, so that a crash ends the work and not the host.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "support/api.hpp"

namespace tsrec::host {

struct ChildOutcome {
  std::string result;    // what the work returned; "" when it did not come to its end
  std::string said;      // what it wrote to standard error and standard output
  std::string ending;    // "" when it came to its end; else "signal 11 (Segmentation fault)"
  bool is_late = false;  // its time was over, which is the ending
};
// Forks: nothing that the work changes is seen here. More than `seconds` end it by SIGALRM. To be
// called before threads are at work.
TSREC_HOST_API ChildOutcome in_child(const std::function<std::string()>& work, unsigned seconds);

// A program that runs beside this one, in a process group of its own: Ctrl-C reaches the parent,
// which passes on one signal. When the parent is killed, the program is asked to stop tidily.
class TSREC_HOST_API Program {
 public:
  // command: its file, then its arguments. draws: it may draw progress bars, for a terminal that
  // its words are passed on to. is_asked: it reads lines from its standard input, and answers on
  // its standard output; else these are this process's. Throws Error where there can be no more
  // processes.
  Program(std::vector<std::string> command, bool draws, bool is_asked = false);
  ~Program();  // asks it to stop, and waits, where nobody did
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  int words() const { return words_; }  // end of a pipe: what it writes to standard error
  // Of one that is asked: gives it a line; false where it is gone. Its answers come out of the end
  // of another pipe.
  bool ask(const std::string& line);
  int answers() const { return answers_; }
  void stop();  // the first time
  int wait();   // for its end: the status of waitpid()

 private:
  pid_t process_ = -1;
  int words_ = -1, questions_ = -1, answers_ = -1;
  bool is_told_to_stop_ = false;
};

// status: of waitpid(). "signal 11 (Segmentation fault)" or "exit code 3".
TSREC_HOST_API std::string ending_of(int status);
// Lines joined to one, the last `most` characters of it.
TSREC_HOST_API std::string one_line(const std::string& text, size_t most = 400);

}  // namespace tsrec::host
