// Where the models of a benchmark compute, and how large they are.
#pragma once

#include <torch/cuda.h>

#include "jobs.hpp"
#include "tsrec/nn/causal_lm.hpp"
#include "tsrec/testing/context.hpp"

namespace tsrec::bench {

struct Machine {
  torch::Device device = torch::kCPU;
  torch::ScalarType precision = torch::kFloat32;
};
// By --device and --precision; a ConfigError says why a device cannot be used.
Machine machine_of(const JobOptions& options);

class MachineContext : public kit::TestContext {
 public:
  explicit MachineContext(const Machine& machine)
      : TestContext(/*seed=*/17, machine.device, machine.precision) {}
  Machine machine() const { return {device(), precision()}; }
};

// T256: 4 layers of width 256, 32,768 vocabulary rows. 135M: SmolLM2's sizes. 0.5B and 1.5B:
// Qwen2.5's.
nn::LmShape shape_named(const std::string& name);
// B1, B2, B3, B4: the job B with T256, 0.5B, 1.5B, 135M.
std::string id_of(char job, const std::string& shape);

}  // namespace tsrec::bench
