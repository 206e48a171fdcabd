// A CUDA device for tests: a real one where there is one, the emulated one elsewhere.
#pragma once

#include "emulated_cuda/emulated_cuda.hpp"
#include "plugins/trainer/toy_world.hpp"
#include "support/cuda.hpp"

namespace tsrec::test {

const torch::Device kDevice(torch::kCUDA, 0);

class CudaContext : public TestContext {
 public:
  explicit CudaContext(torch::ScalarType precision = torch::kFloat32)
      : TestContext(/*seed=*/17, kDevice, precision) {}
};

class Cuda : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!host::has_cuda()) GTEST_SKIP() << host::why_no_cuda();
  }
  // The same weights, through the disk, on the device of the context.
  std::shared_ptr<Backbone> moved(const ToyWorld& world, Context& context) const {
    const TempFolder folder;
    world.backbone->save(folder.path());
    auto made = make_part<Backbone>("pretrained", context, {{"path", folder.path().string()}});
    made->prepare(world.items, context);
    return made;
  }
};

// |a - b| / |b|, both as one long vector.
inline double relative_difference(const torch::Tensor& a, const torch::Tensor& b) {
  const auto plain = [](const torch::Tensor& x) { return x.detach().cpu().to(torch::kFloat64); };
  return ((plain(a) - plain(b)).norm() / plain(b).norm()).item<double>();
}

}  // namespace tsrec::test
