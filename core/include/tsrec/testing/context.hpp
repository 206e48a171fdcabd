// A Context without a host: it remembers what a part says, and notices what no host could show.
#pragma once

#include <mutex>

#include "tsrec/context.hpp"

namespace tsrec::kit {

class TSREC_API TestContext : public Context {
 public:
  explicit TestContext(uint64_t seed = 17, torch::Device device = torch::kCPU,
                       torch::ScalarType precision = torch::kFloat32)
      : seed_(seed), device_(device), precision_(precision) {}
  ~TestContext() override;
  void log(Level level, std::string_view message) override;
  void number(std::string_view name, double value, int64_t step) override;
  void count(std::string_view name, int64_t amount) override;
  void progress(std::string_view what, int64_t done, int64_t total) override;
  at::Generator generator(std::string_view purpose, int64_t index) override;
  at::Generator generator(std::string_view purpose, int64_t index, int64_t part) override;
  torch::Device device() const override { return device_; }
  torch::ScalarType precision() const override { return precision_; }
  bool stopping() const override { return stop; }

  // "" or the first thing that was wrong: progress that ran backwards or past its total, a number
  // that is not finite, something without a name.
  const std::string& complaint() const { return complaint_; }

  std::vector<std::string> messages;
  std::map<std::string, std::vector<double>> numbers;
  std::map<std::string, int64_t> counters;
  bool stop = false;

 private:
  void complain(std::string sentence);

  std::mutex mutex_;
  uint64_t seed_;
  torch::Device device_;
  torch::ScalarType precision_;
  std::map<std::string, std::pair<int64_t, int64_t>> progress_;  // what -> done, total
  std::string complaint_;
};

}  // namespace tsrec::kit
