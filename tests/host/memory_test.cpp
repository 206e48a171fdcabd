#include "support/memory.hpp"

#include <set>

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

// Nothing where little was freed, and everything where it was much: how much is seen from what the
// process has grown by.
TEST(Memory, WhatGrewGoesBackToTheSystemWhereItIsMuch) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer has an allocator of its own";
#endif
  constexpr int64_t kMebibyte = 1 << 20;
  keep_freed_memory();
  // Blocks and what stands behind them, so that the heap does not end with what is freed.
  const auto freed_of = [](int64_t blocks) {
    std::vector<torch::Tensor> freed, kept;
    for (int64_t i = 0; i < blocks; ++i) {
      freed.push_back(torch::ones({kMebibyte / 4}, torch::kFloat32));
      kept.push_back(torch::ones({1024}));
    }
    return kept;
  };
  host::give_back_what_grew();
  const std::vector<torch::Tensor> much = freed_of(300);
  host::give_back_what_grew();
  const int64_t before = host::memory_in_use();
  const std::vector<torch::Tensor> little = freed_of(20);
  host::give_back_what_grew();
  EXPECT_GT(host::memory_in_use(), before + 15 * kMebibyte);
  const std::vector<torch::Tensor> more = freed_of(300);
  EXPECT_GT(host::memory_in_use(), before + 250 * kMebibyte);
  host::give_back_what_grew();
  EXPECT_LT(host::memory_in_use(), before + 40 * kMebibyte);
}

// Every second one is still needed, so that no freed place grows together with another.
TEST(Memory, AFreedTensorsPlaceServesTheNextOfItsSize) {
#if defined(__SANITIZE_ADDRESS__) || !defined(__GLIBC__)
  GTEST_SKIP() << "another allocator";
#endif
  keep_freed_memory();
  constexpr int64_t kBlocks = 100;
  std::vector<torch::Tensor> blocks;
  for (int64_t i = 0; i < kBlocks; ++i) blocks.push_back(torch::full({300'000}, i));
  const auto visit_every_second = [&](const std::function<void(int64_t, torch::Tensor&)>& visit) {
    for (int64_t i = 0; i < kBlocks; i += 2) visit(i, blocks[static_cast<size_t>(i)]);
  };
  std::set<const void*> before, after;
  visit_every_second([&](int64_t, torch::Tensor& block) { before.insert(block.data_ptr()); });
  visit_every_second([](int64_t, torch::Tensor& block) { block.reset(); });
  visit_every_second([](int64_t i, torch::Tensor& block) { block = torch::full({300'000}, -i); });
  visit_every_second([&](int64_t, torch::Tensor& block) { after.insert(block.data_ptr()); });
  EXPECT_EQ(after, before);
  for (int64_t i = 0; i < kBlocks; ++i) {
    const torch::Tensor& block = blocks[static_cast<size_t>(i)];
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block.data_ptr()) % 64, 0) << "a whole cache line";
    EXPECT_TRUE((block == (i % 2 == 0 ? -i : i)).all().item<bool>());
  }
}

TEST(Memory, NoMemoryIsAnErrorThatSaysHowMuchWasAskedFor) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer ends the process";
#endif
  keep_freed_memory();
  constexpr int64_t kTooMany = int64_t{1} << 60;
  EXPECT_TRUE(contains(message_of<Error>([] { torch::empty({kTooMany}, torch::kUInt8); }),
                       std::to_string(kTooMany)));
}

}  // namespace
}  // namespace tsrec::test
