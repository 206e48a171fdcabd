// One holder at a time, whatever happens to holders: several processes, killed ones, and machines
// that are only seen by what they write.
#include "pipeline/key_lock.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/support.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::test {
namespace {

using namespace std::chrono_literals;
using host::KeyLock;
using host::LockHolder;
using host::LockTimes;
using Clock = std::chrono::steady_clock;

constexpr LockTimes kQuick{20ms, 300ms};

// A process that does this and ends, without what the test's process does at its end.
template <class Work>
pid_t in_process(const Work& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    work();
    ::_exit(0);
  }
  return child;
}

int status_of(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

template <class Condition>
bool comes_true(const Condition& condition) {
  const auto began = Clock::now();
  while (!condition()) {
    if (Clock::now() - began > 10s) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

// What a holder of another machine has written.
std::string of_elsewhere() { return "host node7\nmachine of another boot\nprocess 1\nstarted 1\n"; }

std::vector<std::string> files_of(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  return names;
}

void set_time(const std::filesystem::path& file, time_t seconds) {
  const std::array<timespec, 2> times{timespec{seconds, 0}, timespec{seconds, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, file.c_str(), times.data(), 0), 0);
}

// Each adds one to a number that it reads and writes: what two did at once would be lost.
TEST(KeyLock, OnlyOneOfManyProcessesHoldsIt) {
  const TempFolder folder;
  const auto file = folder.path() / "key", counted = folder.path() / "counted";
  folder.write("counted", "0");
  constexpr int kProcesses = 6, kTimes = 8;
  std::vector<pid_t> children;
  for (int i = 0; i < kProcesses; ++i) {
    children.push_back(in_process([&] {
      for (int time = 0; time < kTimes; ++time) {
        const KeyLock lock(file);
        std::ifstream in(counted);
        int number = 0;
        in >> number;
        std::this_thread::sleep_for(500us);
        std::ofstream(counted) << number + 1;
      }
    }));
  }
  for (const pid_t child : children) EXPECT_EQ(status_of(child), 0);
  EXPECT_EQ(io::read_text(counted), std::to_string(kProcesses * kTimes));
}

// Many wait for one that is killed: each of them must have it once, alone, and soon.
TEST(KeyLock, AKilledHoldersLockGoesToOneOfThoseWhoWait) {
  const TempFolder folder;
  const auto file = folder.path() / "key", marks = folder.path() / "marks";
  const pid_t holder = in_process([&] {
    const KeyLock lock(file);
    std::this_thread::sleep_for(60s);
  });
  ASSERT_TRUE(comes_true([&] { return KeyLock::holder(file).has_value(); }));
  EXPECT_EQ(KeyLock::holder(file)->process, holder);
  std::vector<pid_t> waiting;
  for (int i = 0; i < 5; ++i) {
    waiting.push_back(in_process([&] {
      const KeyLock lock(file);
      const int fd = ::open(marks.c_str(), O_CREAT | O_EXCL | O_WRONLY, 0644);
      if (fd < 0) ::_exit(1);  // somebody else holds it as well
      std::this_thread::sleep_for(5ms);
      ::unlink(marks.c_str());
      ::close(fd);
    }));
  }
  std::this_thread::sleep_for(50ms);
  const auto killed = Clock::now();
  ::kill(holder, SIGKILL);  // nobody waits for it yet: it is gone all the same
  EXPECT_TRUE(comes_true(
      [&] { return !KeyLock::holder(file) || KeyLock::holder(file)->process != holder; }));
  for (const pid_t child : waiting) EXPECT_EQ(status_of(child), 0);
  EXPECT_LT(Clock::now() - killed, 10s) << "its process is gone, so nothing has to expire";
  status_of(holder);
}

// Numbers of processes come again: what counts is also when the process began.
TEST(KeyLock, ANumberThatAnotherProcessHasNowIsNoHolder) {
  const TempFolder folder;
  const auto file = folder.path() / "key";
  { const KeyLock lock(file); }
  EXPECT_EQ(io::read_text(file.string() + ".1"), "released\n");
  std::string own;
  {
    const KeyLock lock(file);
    own = io::read_text(file.string() + ".2");
    EXPECT_EQ(KeyLock::holder(file)->process, ::getpid());
  }
  const size_t started = own.find("started ");
  ASSERT_NE(started, std::string::npos);
  folder.write("key.3", own.substr(0, started) + "started 1\n");
  EXPECT_FALSE(KeyLock::holder(file));
  const KeyLock lock(file);
  EXPECT_TRUE(std::filesystem::exists(file.string() + ".4"));
}

// Its clock may be years ahead or behind: only whether the file's time changes counts.
TEST(KeyLock, AnotherMachineHoldsItWhileItsFileIsTouched) {
  for (const time_t year : {time_t{1'000'000'000}, time_t{4'000'000'000}}) {
    const TempFolder folder;
    const auto file = folder.path() / "key";
    folder.write("key.1", of_elsewhere());
    set_time(folder.path() / "key.1", year);
    EXPECT_EQ(KeyLock::holder(file)->text(), "process 1 on node7");
    std::atomic<bool> is_alive = true;
    std::atomic<bool> is_taken = false;
    std::thread taker([&] {
      const KeyLock lock(file, {}, kQuick);
      is_taken = true;
    });
    for (time_t beat = 1; beat <= 30; ++beat) {  // twice as long as it takes to expire
      set_time(folder.path() / "key.1", year + beat);
      std::this_thread::sleep_for(20ms);
      EXPECT_FALSE(is_taken);
    }
    const auto died = Clock::now();
    taker.join();
    EXPECT_TRUE(is_taken);
    EXPECT_GE(Clock::now() - died, kQuick.expiry - 50ms);
  }
}

// Two see the same dead holder: both may make its successor, one alone does.
TEST(KeyLock, OfManyWhoTakeOverADeadMachinesLockOneHasIt) {
  const TempFolder folder;
  const auto file = folder.path() / "key", marks = folder.path() / "marks";
  folder.write("key.1", of_elsewhere());
  std::vector<pid_t> takers;
  for (int i = 0; i < 8; ++i) {
    takers.push_back(in_process([&] {
      const KeyLock lock(file, {}, kQuick);
      const int fd = ::open(marks.c_str(), O_CREAT | O_EXCL | O_WRONLY, 0644);
      if (fd < 0) ::_exit(1);
      std::this_thread::sleep_for(2ms);
      ::unlink(marks.c_str());
      ::close(fd);
    }));
  }
  for (const pid_t taker : takers) EXPECT_EQ(status_of(taker), 0);
}

// A holder that was taken for dead ends before it writes anything more.
TEST(KeyLock, WhoStoodStillForTooLongEnds) {
  const TempFolder folder;
  const auto file = folder.path() / "key";
  const pid_t still = in_process([&] {
    const KeyLock lock(file, {}, kQuick);
    std::this_thread::sleep_for(60s);
  });
  ASSERT_TRUE(comes_true([&] { return KeyLock::holder(file).has_value(); }));
  ::kill(still, SIGSTOP);
  folder.write("key.2", of_elsewhere());
  ::kill(still, SIGCONT);
  const int status = status_of(still);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 5) << status;

  const KeyLock lock(folder.path() / "other");
  lock.check();
  folder.write("other.2", of_elsewhere());
  EXPECT_THROW(lock.check(), Error);
}

TEST(KeyLock, LeavesNothingBehindAStoredResult) {
  const TempFolder folder;
  const auto locks = folder.path() / "locks";
  { const KeyLock lock(locks / "key"); }
  {
    KeyLock lock(locks / "key");
    lock.is_over();
  }
  EXPECT_EQ(files_of(locks), std::vector<std::string>{});
}

TEST(KeyLock, SaysWhereItCannotLock) {
  const TempFolder folder;
  folder.write("file", "");
  try {
    const KeyLock lock(folder.path() / "file" / "key");
    FAIL() << "a file is no folder of locks";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("is the store writable"), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace tsrec::test
