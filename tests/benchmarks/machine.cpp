#include "machine.hpp"

#include "support/cuda.hpp"

namespace tsrec::bench {
namespace {

struct Named {
  const char* name;
  int64_t vocabulary, width, layers, heads, kv_heads, mlp_width;
};
constexpr Named kShapes[] = {{"T256", 32768, 256, 4, 4, 4, 1024},
                             {"0.5B", 151936, 896, 24, 14, 2, 4864},
                             {"1.5B", 151936, 1536, 28, 12, 2, 8960},
                             {"135M", 49152, 576, 30, 9, 3, 1536}};

const Named& named(const std::string& name) {
  for (const Named& shape : kShapes) {
    if (name == shape.name) return shape;
  }
  throw ConfigError("there is no shape '", name, "'; the shapes are T256, 135M, 0.5B and 1.5B");
}

}  // namespace

Machine machine_of(const JobOptions& options) {
  Machine machine;
  if (options.device == "cuda") {
    if (!host::has_cuda()) throw ConfigError("--device cuda: ", host::why_no_cuda());
    machine.device = torch::Device(torch::kCUDA, 0);
  } else if (options.device != "cpu") {
    throw ConfigError("--device is cpu or cuda, not '", options.device, "'");
  }
  if (options.precision == "bfloat16") {
    machine.precision = torch::kBFloat16;
  } else if (options.precision != "float32") {
    throw ConfigError("--precision is float32 or bfloat16, not '", options.precision, "'");
  }
  return machine;
}

nn::LmShape shape_named(const std::string& name) {
  const Named& found = named(name);
  nn::LmShape shape;
  shape.vocabulary = found.vocabulary;
  shape.width = found.width;
  shape.layers = found.layers;
  shape.heads = found.heads;
  shape.kv_heads = found.kv_heads;
  shape.head_width = found.width / found.heads;
  shape.mlp_width = found.mlp_width;
  return shape;
}

std::string id_of(char job, const std::string& shape) {
  return std::string(1, job) + std::to_string(&named(shape) - kShapes + 1);
}

}  // namespace tsrec::bench
