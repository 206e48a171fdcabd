// How far a running stage is, for whoever looks at the store from outside: progress.json in its
// work folder, which is gone when the stage is stored. It decides nothing.
#pragma once

#include <filesystem>
#include <optional>

#include "pipeline/listener.hpp"
#include "support/api.hpp"
#include "support/at_most_every.hpp"

namespace tsrec::host {

// A long loop, seen since its unit `from`: a stage that is resumed begins in the middle.
struct TSREC_HOST_API LoopProgress {
  std::string what;
  int64_t from = 0, done = 0, total = 0;
  double seconds = 0;  // since `from`
  // By its pace so far; none where it has none yet.
  std::optional<double> seconds_left() const;
};
struct StageProgress {
  double seconds = 0;                 // since this process began with the stage
  std::optional<LoopProgress> steps;  // those that drive_steps() drives; validations within count
  std::optional<LoopProgress> loop;   // the one that spoke last
};

class TSREC_HOST_API ProgressFile final : public Listener {
 public:
  // every: it is written at most so often.
  ProgressFile(std::string stage, std::filesystem::path file,
               Clock::duration every = std::chrono::seconds(1));
  void progress(std::string_view what, int64_t done, int64_t total) override;

 private:
  struct Loop {
    std::string what;
    int64_t from = 0, done = 0, total = 0;
    Clock::time_point began;
  };
  void write() const;
  std::string stage_;
  std::filesystem::path file_;
  AtMostEvery pace_;
  Clock::time_point began_;
  std::optional<Loop> steps_, loop_;
};

// None where there is no such file, or none that can be read.
TSREC_HOST_API std::optional<StageProgress> read_progress(const std::filesystem::path& file);

}  // namespace tsrec::host
