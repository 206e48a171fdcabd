// What a part sees of the host while a stage runs.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>

#include "pipeline/curve_file.hpp"
#include "pipeline/log_lines.hpp"
#include "pipeline/pipeline.hpp"
#include "pipeline/progress_bar.hpp"
#include "pipeline/tracker_feed.hpp"

namespace tsrec::host {

class TSREC_HOST_API RunContext final : public Context {
 public:
  // curve: file for numbers, one JSON line each; empty: they are dropped. Where it holds some, the
  // stage goes on from a checkpoint and calls truncate_curve(). trackers: are told the numbers too.
  RunContext(const RunSettings& settings, std::string stage, const std::filesystem::path& curve,
             Trackers* trackers = nullptr);
  ~RunContext() override;

  void log(Level level, std::string_view message) override;
  void number(std::string_view name, double value, int64_t step) override;
  void count(std::string_view name, int64_t amount) override;
  void progress(std::string_view what, int64_t done, int64_t total) override;
  at::Generator generator(std::string_view purpose, int64_t index) override;
  at::Generator generator(std::string_view purpose, int64_t index, int64_t part) override;
  torch::Device device() const override { return settings_.torch_device; }
  torch::ScalarType precision() const override { return settings_.torch_precision; }
  bool stopping() const override;

  const std::map<std::string, int64_t>& counters() const { return counters_; }
  // Bytes of the curve file so far, and the way back to them: a resumed run drops rows beyond its
  // checkpoint.
  int64_t curve_bytes();
  void truncate_curve(int64_t bytes);
  // It hears what is said until it is removed.
  void add_listener(Listener& listener);
  void remove_listener(Listener& listener);

 private:
  void tell(Level level, std::string_view message);
  const RunSettings settings_;
  std::string stage_;
  std::chrono::steady_clock::time_point began_;
  std::mutex mutex_;  // of all that follows: workers report at the same time
  std::map<std::string, int64_t> counters_;
  ProgressBar bar_;
  LogLines lines_;
  std::optional<CurveFile> curve_;
  std::optional<TrackerFeed> feed_;
  std::vector<Listener*> listeners_;  // the above, in the order in which they hear, and guests
};

}  // namespace tsrec::host
