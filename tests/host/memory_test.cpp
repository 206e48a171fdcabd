#include "support/memory.hpp"

#include "support/support.hpp"
#include "tsrec/memory.hpp"

namespace tsrec::test {
namespace {

// As between stages: what was freed lies between what is still needed, and is kept.
TEST(Memory, WhatWasFreedGoesBackToTheSystemWhenAsked) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer has an allocator of its own";
#endif
  constexpr int64_t kMebibyte = 1 << 20, kBlocks = 400;
  keep_freed_memory();
  std::vector<torch::Tensor> blocks;
  for (int64_t i = 0; i < kBlocks; ++i)
    blocks.push_back(torch::ones({kMebibyte / 4}, torch::kFloat32));
  host::forget_peak_memory();
  const int64_t full = host::memory_in_use();
  for (int64_t i = 0; i < kBlocks; ++i) {
    if (i % 10 != 9) blocks[static_cast<size_t>(i)].reset();
  }
  EXPECT_GT(host::memory_in_use(), full - 40 * kMebibyte) << "freed memory is kept";
  host::give_back_freed_memory();
  EXPECT_LT(host::memory_in_use(), full - 300 * kMebibyte);
  EXPECT_GE(host::peak_memory(), full - 40 * kMebibyte);
  for (int64_t i = 9; i < kBlocks; i += 10)
    EXPECT_TRUE((blocks[static_cast<size_t>(i)] == 1).all().item<bool>());
}

}  // namespace
}  // namespace tsrec::test
