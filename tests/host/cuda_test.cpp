// Where the CUDA half of LibTorch is looked for; this needs no device.
#include "support/cuda.hpp"

#include <gtest/gtest.h>

namespace tsrec::test {
namespace {

TEST(CudaLibrary, LiesBesideTheHalfThatIsInUse) {
  const std::filesystem::path library = host::cuda_library();
  EXPECT_EQ(library.filename(), "libtorch_cuda.so");
  EXPECT_TRUE(std::filesystem::exists(library.parent_path() / "libtorch_cpu.so")) << library;
}

}  // namespace
}  // namespace tsrec::test
