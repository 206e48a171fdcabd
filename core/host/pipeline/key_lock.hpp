// Held while a stage runs, by one worker of all that share a store: others wait, and then find the
// stored result.
//
// The store may lie on a network's file system, where flock() is not to be relied on. So a lock is
// files: FILE.1, FILE.2, ... name its holders one after the other, each made by one link(), which
// only one of several can win. Nobody writes to another's file. A holder who is done leaves the
// word "released" in its own; who comes behind one that is released, or dead, makes the next.
//
// Dead is a holder of this machine whose process is gone, which is seen at once; and one of another
// machine whose file has not been touched for LockTimes::expiry. Holders touch theirs every
// LockTimes::beat. Whoever waits sees whether the file's time changes, and measures by a clock of
// its own for how long it did not: clocks of two machines are never compared.
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "support/api.hpp"

namespace tsrec::host {

struct LockTimes {
  std::chrono::milliseconds beat{10'000};
  // Longer than clients of NFS believe what they know of a file (60 seconds).
  std::chrono::milliseconds expiry{120'000};
};

struct TSREC_HOST_API LockHolder {
  std::string host;     // for people; several machines may be called so
  std::string machine;  // which kernel, since when, and which of its process numbers: two workers
                        // of one machine see each other's processes
  int64_t process = 0;  // on that machine
  int64_t started = 0;  // in its ticks; numbers of processes come again
  std::string text() const;  // "process 4711 on node7"
};

class TSREC_HOST_API KeyLock {
 public:
  // Waits for whoever holds it. waits: is told once of the first of them, after a second. Throws
  // Interrupted where a stop is asked for meanwhile, and Error where the folder takes no lock.
  explicit KeyLock(std::filesystem::path file,
                   const std::function<void(const LockHolder&)>& waits = {},
                   const LockTimes& times = {});
  ~KeyLock();  // releases it
  KeyLock(const KeyLock&) = delete;
  KeyLock& operator=(const KeyLock&) = delete;

  // Throws Error where another worker took it for dead: this process stood still for too long.
  void check() const;
  // What it protects is stored, and whoever takes the lock looks for that first: with its release
  // all its files go.
  void is_over() { is_over_ = true; }

  // Who holds it now; none where it is free, or its holder is a process of this machine that is
  // gone.
  static std::optional<LockHolder> holder(const std::filesystem::path& file);

 private:
  std::filesystem::path generation(int64_t number) const;
  bool make(int64_t number);
  void beat(const LockTimes& times);
  std::filesystem::path file_;
  int64_t number_ = 0;  // of the file that is this holder's
  int descriptor_ = -1;
  bool is_over_ = false;
  std::mutex mutex_;
  std::condition_variable released_;
  bool is_released_ = false;
  std::thread beats_;
};

}  // namespace tsrec::host
