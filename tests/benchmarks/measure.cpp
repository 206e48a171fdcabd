#include "measure.hpp"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <sys/resource.h>

#include <chrono>
#include <fstream>
#include <iostream>

namespace tsrec::bench {
namespace {

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

double rounded(double value) {
  const double scale = std::pow(10.0, 4 - std::ceil(std::log10(std::abs(value) + 1e-300)));
  return value == 0 ? 0 : std::round(value * scale) / scale;
}

}  // namespace

Clock Clock::now() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  const auto wall = std::chrono::steady_clock::now().time_since_epoch();
  return {std::chrono::duration<double>(wall).count(),
          seconds(used.ru_utime) + seconds(used.ru_stime)};
}

Seconds timed(int64_t repeats, const std::function<void()>& job) {
  if (repeats > 1) job();
  std::vector<std::pair<double, double>> runs;  // wall, cpu
  for (int64_t i = 0; i < repeats; ++i) {
    const Clock before = Clock::now();
    job();
    const Clock after = Clock::now();
    runs.emplace_back(after.wall - before.wall, after.cpu - before.cpu);
  }
  std::sort(runs.begin(), runs.end());
  const auto& middle = runs[runs.size() / 2];
  return {middle.first, runs.front().first, runs.back().first, middle.second, repeats};
}

double gemm_roof() {
  constexpr int64_t kWidth = 2048;
  const torch::NoGradGuard no_grad;
  const torch::Tensor a = torch::rand({kWidth, kWidth}), b = torch::rand({kWidth, kWidth});
  double best = 0, spent = 0;
  while (spent < 0.25) {
    const double before = Clock::now().wall;
    torch::mm(a, b);
    const double seconds = Clock::now().wall - before;
    best = std::max(best, 2e-9 * kWidth * kWidth * kWidth / seconds);
    spent += seconds;
  }
  return best;
}

Line::Line(const std::string& id, const std::string& variant) : roof_(gemm_roof()) {
  json_ = {{"id", id}, {"variant", variant}};
}

Line& Line::set(const std::string& name, nlohmann::ordered_json value) {
  if (value.is_number_float()) value = rounded(value.get<double>());
  json_[name] = std::move(value);
  return *this;
}

Line& Line::seconds(const Seconds& seconds) {
  median_ = seconds.median;
  set("seconds", seconds.median).set("least", seconds.least).set("most", seconds.most);
  return set("cpu_seconds", seconds.cpu).set("repeats", seconds.repeats);
}

Line& Line::rate(const std::string& name, double amount) { return set(name, amount / median_); }

Line& Line::work(const std::map<std::string, int64_t>& counters) {
  for (const char* name : {"token_forwards", "head_rows", "flops"}) {
    const auto found = counters.find(name);
    if (found != counters.end()) json_[name] = found->second;
  }
  if (json_.contains("flops")) flops_ = json_["flops"].get<double>();
  return *this;
}

void Line::print() {
  roof_ = std::max(roof_, gemm_roof());
  if (flops_ > 0) {
    set("gflops", 1e-9 * flops_ / median_);
    set("share_of_roof", 1e-9 * flops_ / median_ / roof_);
  }
  set("roof_gflops", roof_);
  set("threads", at::get_num_threads()).set("cpu", cpu_model());
  set("isa", at::get_cpu_capability()).set("libtorch", TORCH_VERSION);
  std::cout << json_.dump() << std::endl;
}

}  // namespace tsrec::bench
