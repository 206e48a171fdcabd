#include "tsrec/memory.hpp"

#include <c10/core/CPUAllocator.h>

#include <cstdlib>
#include <cstring>
#include <limits>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "tsrec/error.hpp"

namespace tsrec {

#ifdef __GLIBC__
namespace {

// Tensors begin at whole cache lines. LibTorch asks glibc for such places, which it looks for in
// blocks that are larger than what is asked for by a line at least: the place of a freed tensor is
// too small for the next one of its size. So this allocator asks for that line itself, always, and
// puts the tensor into it where its place falls.
class ReusingAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t size) override {
    const c10::Device device(c10::DeviceType::CPU);
    if (size == 0) return {nullptr, nullptr, &release, device};
    void* block =
        size < std::numeric_limits<size_t>::max() - kLine ? std::malloc(size + kLine) : nullptr;
    if (block == nullptr) {
      c10::profiledCPUMemoryReporter().OutOfMemory(size);
      throw Error("there is no main memory for a tensor of ", size,
                  " bytes; compute fewer tokens at once, or take a smaller model");
    }
    // malloc's places are whole multiples of 16, so that the block's own address fits before it.
    const auto address = reinterpret_cast<uintptr_t>(block);
    void* place = reinterpret_cast<void*>((address / kLine + 1) * kLine);
    std::memcpy(static_cast<char*>(place) - sizeof(block), &block, sizeof(block));
    c10::profiledCPUMemoryReporter().New(place, size);
    return {place, place, &release, device};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, size_t size) const override {
    std::memcpy(to, from, size);
  }

 private:
  static constexpr size_t kLine = 64;

  static void release(void* place) {
    if (place == nullptr) return;
    c10::profiledCPUMemoryReporter().Delete(place);
    void* block = nullptr;
    std::memcpy(&block, static_cast<char*>(place) - sizeof(block), sizeof(block));
    std::free(block);
  }
};

}  // namespace
#endif

void keep_freed_memory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 1 << 30);  // larger blocks come and go as before
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  static auto* const allocator = new ReusingAllocator;  // never destroyed: statics hold tensors
  constexpr uint8_t kBeforeLibTorchs = 1;
  c10::SetCPUAllocator(allocator, kBeforeLibTorchs);
#endif
}

}  // namespace tsrec
