#include "pipeline/key_lock.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>
#include <vector>

#include "support/endings.hpp"
#include "support/exit_code.hpp"
#include "support/signals.hpp"
#include "support/stopwatch.hpp"
#include "tsrec/error.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

constexpr const char* kReleased = "released\n";

std::string first_line(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

std::string random_name() {
  std::random_device random;
  return c10::str(random(), random());
}

// Process numbers mean something to those who run on one kernel, since it began, in one namespace
// of processes: containers have their own. Where that cannot be known the machine is like no other.
std::string this_machine() {
  const std::string boot = first_line("/proc/sys/kernel/random/boot_id");
  std::error_code failed;
  const fs::path processes = fs::read_symlink("/proc/self/ns/pid", failed);
  return boot.empty() || failed ? random_name() : boot + " " + processes.string();
}

// Of /proc/PROCESS/stat: the state, and when it began. The name in front may hold anything.
struct ProcessFacts {
  char state = 0;
  int64_t started = 0;
};
std::optional<ProcessFacts> facts_of(int64_t process) {
  const std::string line = first_line(c10::str("/proc/", process, "/stat"));
  const size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(line.substr(name_end + 1));
  ProcessFacts facts;
  fields >> facts.state;
  std::string skipped;
  constexpr int kFieldsBetween = 18;
  for (int i = 0; i < kFieldsBetween; ++i) fields >> skipped;
  fields >> facts.started;
  if (!fields) return std::nullopt;
  return facts;
}

// Looked up once, and again in a child that this process has forked.
const LockHolder& this_process() {
  static const std::string machine = this_machine();
  thread_local LockHolder self;
  if (self.process == ::getpid()) return self;
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  const std::optional<ProcessFacts> facts = facts_of(::getpid());
  return self = {host.data(), machine, ::getpid(), facts ? facts->started : 0};
}

bool is_here(const LockHolder& holder) { return holder.machine == this_process().machine; }

// Of this machine. A killed process that nobody has waited for yet is gone as well.
bool is_gone(const LockHolder& holder) {
  if (::kill(static_cast<pid_t>(holder.process), 0) != 0 && errno == ESRCH) return true;
  const std::optional<ProcessFacts> facts = facts_of(holder.process);
  return facts && (facts->state == 'Z' || facts->state == 'X' || facts->started != holder.started);
}

// A process of this machine that is there may go on at any time, whatever it does now.
bool is_dead(const LockHolder& holder, Clock::duration unchanged, const LockTimes& times) {
  return is_here(holder) ? is_gone(holder) : unchanged > times.expiry;
}

std::string text_of(const LockHolder& holder) {
  return c10::str("host ", holder.host, "\nmachine ", holder.machine, "\nprocess ", holder.process,
                  "\nstarted ", holder.started, "\n");
}

// What cannot be read is a holder of whom nothing is known.
LockHolder parsed(const std::string& text) {
  LockHolder holder{"a machine that it does not name", "", 0, 0};
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const size_t blank = line.find(' ');
    if (blank == std::string::npos) continue;
    const std::string name = line.substr(0, blank), value = line.substr(blank + 1);
    const auto number = [&](int64_t& into) {
      std::from_chars(value.data(), value.data() + value.size(), into);
    };
    if (name == "host") holder.host = value;
    if (name == "machine") holder.machine = value;
    if (name == "process") number(holder.process);
    if (name == "started") number(holder.started);
  }
  return holder;
}

[[noreturn]] void cannot_lock(const fs::path& file, const std::string& why) {
  throw Error("cannot lock '", file.string(), "': ", why,
              "; is the store writable, and does its file system have hard links?");
}

// What stands in a holder's file, and what changes when it is touched. It is opened at each look:
// that makes a client of NFS ask its server.
struct Seen {
  std::string text;
  timespec touched{};
  bool operator==(const Seen& other) const {
    return text == other.text && touched.tv_sec == other.touched.tv_sec &&
           touched.tv_nsec == other.touched.tv_nsec;
  }
};
std::optional<Seen> look_at(const fs::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  Seen seen;
  struct stat facts = {};
  std::array<char, 1024> buffer;
  ssize_t got = -1;
  if (descriptor >= 0 && ::fstat(descriptor, &facts) == 0)
    got = ::read(descriptor, buffer.data(), buffer.size());
  const int problem = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (got < 0 && (problem == ENOENT || problem == ESTALE)) return std::nullopt;
  if (got < 0) cannot_lock(file, std::strerror(problem));
  seen.touched = facts.st_mtim;
  seen.text.assign(buffer.data(), static_cast<size_t>(got));
  return seen;
}

fs::path generation_of(const fs::path& file, int64_t number) {
  return c10::str(file.string(), ".", number);
}

// The latest generation that the folder shows; 0 where there is none. A folder on a network may be
// shown as it was a moment ago: who makes the next one is told by link().
int64_t latest(const fs::path& file) {
  int64_t most = 0;
  const std::string start = file.filename().string() + ".";
  std::error_code failed;
  for (fs::directory_iterator at(file.parent_path(), failed), end; !failed && at != end;
       at.increment(failed)) {
    const std::string name = at->path().filename().string();
    if (!name.starts_with(start)) continue;
    int64_t number = 0;
    const auto [stop, problem] =
        std::from_chars(name.data() + start.size(), name.data() + name.size(), number);
    if (problem == std::errc() && stop == name.data() + name.size()) most = std::max(most, number);
  }
  return most;
}

// Writes a new file, or says why not.
std::string written(const fs::path& file, const std::string& text) {
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (descriptor < 0) return std::strerror(errno);
  const ssize_t wrote = ::write(descriptor, text.data(), text.size());
  std::string problem = wrote == static_cast<ssize_t>(text.size()) ? "" : std::strerror(errno);
  if (::close(descriptor) != 0 && problem.empty()) problem = std::strerror(errno);
  return problem;
}

}  // namespace

std::string LockHolder::text() const { return c10::str("process ", process, " on ", host); }

fs::path KeyLock::generation(int64_t number) const { return generation_of(file_, number); }

// Whether this process made that generation. An answer of link() may be lost on its way from a
// server that did it: what counts is that the file has two names now.
bool KeyLock::make(int64_t number) {
  const fs::path own = c10::str(file_.string(), ".new-", random_name());
  if (const std::string problem = written(own, text_of(this_process())); !problem.empty()) {
    ::unlink(own.c_str());
    cannot_lock(file_, problem);
  }
  const bool is_linked = ::link(own.c_str(), generation(number).c_str()) == 0;
  const int problem = is_linked ? 0 : errno;
  descriptor_ = ::open(own.c_str(), O_WRONLY | O_CLOEXEC);
  struct stat facts = {};
  const bool is_mine = descriptor_ >= 0 && ::fstat(descriptor_, &facts) == 0 && facts.st_nlink == 2;
  ::unlink(own.c_str());
  if (is_mine) return true;
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
  if (problem != EEXIST && problem != 0) cannot_lock(file_, std::strerror(problem));
  return false;
}

KeyLock::KeyLock(fs::path file, const std::function<void(const LockHolder&)>& waits,
                 const LockTimes& times)
    : file_(std::move(file)) {
  std::error_code failed;
  fs::create_directories(file_.parent_path(), failed);
  const auto began = Clock::now();
  auto unchanged_since = began;
  int64_t watched = -1;
  std::optional<Seen> seen;
  bool is_told = false;
  for (std::chrono::duration<double, std::milli> pause{5};;) {
    const int64_t number = std::max(latest(file_), watched);
    const std::optional<Seen> now = look_at(generation(number));
    if (number != watched || now != seen) {
      watched = number;
      seen = now;
      unchanged_since = Clock::now();
    }
    // A file that is no longer there was removed behind a stored result.
    if (!now || now->text == kReleased ||
        is_dead(parsed(now->text), Clock::now() - unchanged_since, times)) {
      const int64_t next = number + 1;
      if (make(next)) {
        number_ = next;
        break;
      }
      watched = next;  // somebody else was faster, whatever the folder shows
      seen.reset();
      continue;
    }
    if (stop_requested()) throw Interrupted("stopped while another process makes the stage");
    if (!is_told && waits && Clock::now() - began > std::chrono::seconds(1)) {
      waits(parsed(now->text));
      is_told = true;
    }
    std::this_thread::sleep_for(pause);
    constexpr double kLongest = 500;
    pause = std::min(pause * 1.5, std::chrono::duration<double, std::milli>(kLongest));
  }
  beats_ = std::thread([this, times] { beat(times); });
}

// Looks before it touches: a process that stood still, and was taken for dead, must not write one
// more byte beside the one that goes on in its place.
void KeyLock::beat(const LockTimes& times) {
  std::unique_lock lock(mutex_);
  while (!released_.wait_for(lock, times.beat, [this] { return is_released_; })) {
    if (::access(generation(number_ + 1).c_str(), F_OK) == 0) {
      say_at_once(
          "tsrec: this process stood still for so long that another one took over the stage that "
          "it was making, and it ends here; run the same command again to go on");
      std::_Exit(kStopped);
    }
    ::futimens(descriptor_, nullptr);
  }
}

void KeyLock::check() const {
  if (::access(generation(number_ + 1).c_str(), F_OK) == 0)
    throw Error(
        "another process took over this stage, because this one stood still for too long; run the "
        "same command again");
}

KeyLock::~KeyLock() {
  {
    const std::lock_guard lock(mutex_);
    is_released_ = true;
  }
  released_.notify_all();
  beats_.join();
  ::close(descriptor_);
  if (is_over_) {
    for (int64_t number = 1; number <= number_; ++number) ::unlink(generation(number).c_str());
    return;
  }
  const fs::path word = c10::str(file_.string(), ".new-", random_name());
  if (!written(word, kReleased).empty() || ::rename(word.c_str(), generation(number_).c_str()) != 0)
    ::unlink(word.c_str());  // then its end is what releases it
}

std::optional<LockHolder> KeyLock::holder(const fs::path& file) {
  const std::optional<Seen> seen = look_at(generation_of(file, latest(file)));
  if (!seen || seen->text == kReleased) return std::nullopt;
  LockHolder holder = parsed(seen->text);
  if (is_here(holder) && is_gone(holder)) return std::nullopt;
  return holder;
}

}  // namespace tsrec::host
