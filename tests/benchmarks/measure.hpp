// Times of a job, and the JSON line that states them with the machine's roof beside.
#pragma once

#include <nlohmann/json.hpp>

#include "machine.hpp"

namespace tsrec::bench {

// Seconds on the wall and of all the process's threads.
struct Clock {
  double wall = 0, cpu = 0;
  static Clock now();
};

struct Seconds {
  double median = 0, least = 0, most = 0, cpu = 0;  // cpu: of the median run
  int64_t repeats = 0;
};

// Runs `job` once to warm up (unless repeats is 1), then `repeats` times; waits for a GPU.
Seconds timed(int64_t repeats, const std::function<void()>& job);

// {"id", "variant", "seconds", ...} and the machine. The roof, GFLOP/s of a large matrix product in
// this precision, is measured when the line is made and again when it is printed; the larger one
// counts.
class Line {
 public:
  Line(const std::string& id, const std::string& variant, const Machine& machine = {});
  Line& set(const std::string& name, nlohmann::ordered_json value);
  Line& seconds(const Seconds& seconds);
  // Rate of `amount` things by the median seconds, under `name`.
  Line& rate(const std::string& name, double amount);
  // Counters of one run: token forwards, head rows, FLOPs; states the share of the roof.
  Line& work(const std::map<std::string, int64_t>& counters);
  void print();

 private:
  double measured_roof() const;

  nlohmann::ordered_json json_;
  Machine machine_;
  double roof_, median_ = 0, flops_ = 0;
};

}  // namespace tsrec::bench
