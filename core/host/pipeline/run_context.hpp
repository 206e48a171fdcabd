// What a part sees of the host while a stage runs.
#pragma once

#include <chrono>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>

#include "pipeline/pipeline.hpp"

namespace tsrec::host {

class TSREC_HOST_API RunContext final : public Context {
 public:
  // curve: file for numbers, one JSON line each; empty: they are dropped.
  RunContext(const RunSettings& settings, std::string stage, std::filesystem::path curve);
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

 private:
  void end_bar();
  void check_curve() const;  // throws when the disk took no more
  std::mutex mutex_;         // of all that follows: workers report at the same time
  const RunSettings& settings_;
  std::string stage_;
  std::filesystem::path curve_file_;
  std::ofstream curve_;
  std::map<std::string, int64_t> counters_;
  std::string bar_;
  int64_t bar_start_ = 0;  // units that were done when the bar began
  std::chrono::steady_clock::time_point began_, shown_, bar_began_;
  bool is_terminal_, bar_open_ = false;
};

}  // namespace tsrec::host
