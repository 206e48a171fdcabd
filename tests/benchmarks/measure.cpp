#include "measure.hpp"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <sys/resource.h>

#include <chrono>
#include <fstream>
#include <iostream>

#include "support/roof.hpp"

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
  const auto whole = [&] {
    job();
    if (torch::hasCUDA()) torch::cuda::synchronize();
  };
  if (repeats > 1) whole();
  std::vector<std::pair<double, double>> runs;  // wall, cpu
  for (int64_t i = 0; i < repeats; ++i) {
    const Clock before = Clock::now();
    whole();
    const Clock after = Clock::now();
    runs.emplace_back(after.wall - before.wall, after.cpu - before.cpu);
  }
  std::sort(runs.begin(), runs.end());
  const auto& middle = runs[runs.size() / 2];
  return {middle.first, runs.front().first, runs.back().first, middle.second, repeats};
}

Line::Line(const std::string& id, const std::string& variant, const Machine& machine)
    : machine_(machine), roof_(measured_roof()) {
  json_ = {{"id", id}, {"variant", variant}};
}

double Line::measured_roof() const {
  const torch::NoGradGuard no_grad;
  return 1e-9 * host::measured_roof(machine_.precision, machine_.device);
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
  roof_ = std::max(roof_, measured_roof());
  if (flops_ > 0) {
    set("gflops", 1e-9 * flops_ / median_);
    set("share_of_roof", 1e-9 * flops_ / median_ / roof_);
  }
  set("roof_gflops", roof_);
  const bool is_bf16 = machine_.precision == torch::kBFloat16;
  set("device", machine_.device.str()).set("precision", is_bf16 ? "bfloat16" : "float32");
  set("threads", at::get_num_threads()).set("cpu", cpu_model());
  set("isa", at::get_cpu_capability()).set("libtorch", TORCH_VERSION);
  std::cout << json_.dump() << std::endl;
}

}  // namespace tsrec::bench
