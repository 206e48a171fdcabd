#include "memory.hpp"

#include <ATen/EmptyTensor.h>

#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>

namespace tsrec::emulated_cuda {
namespace {

// Set in every address of the device: no processor accepts such an address, and offsets add up.
constexpr uintptr_t kMark = uintptr_t{1} << 62;

void* marked(void* p) { return reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(p) | kMark); }
void* readable(const void* p) {
  return reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(p) & ~kMark);
}

void* fresh(size_t bytes) {
  constexpr size_t kAlignment = 64;
  void* memory = std::aligned_alloc(kAlignment, (bytes / kAlignment + 1) * kAlignment);
  TORCH_CHECK(memory != nullptr, "no memory for the emulated device");
  return memory;
}

class DeviceAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    void* memory = bytes == 0 ? nullptr : fresh(bytes);
    // What nobody wrote reads as NaN: forgotten initialisation shows.
    if (memory != nullptr) std::memset(memory, 0xff, bytes);
    return {memory == nullptr ? nullptr : marked(memory), memory, &std::free,
            c10::Device(c10::kCUDA, 0)};
  }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    std::memcpy(readable(to), readable(from), bytes);
  }
};

class PinnedAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    void* memory = fresh(bytes);
    const std::lock_guard lock(mutex_);
    end_of_[memory] = static_cast<char*>(memory) + bytes;
    return {memory, memory, &release, c10::Device(c10::kCPU)};
  }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    std::memcpy(to, from, bytes);
  }
  bool holds(const void* data) {
    const std::lock_guard lock(mutex_);
    auto after = end_of_.upper_bound(const_cast<void*>(data));
    return after != end_of_.begin() && data < (--after)->second;
  }

 private:
  static void release(void* memory);

  std::mutex mutex_;
  std::map<void*, const void*> end_of_;
};

PinnedAllocator& pinned() {
  static PinnedAllocator& allocator = *new PinnedAllocator;  // outlives every tensor
  return allocator;
}

void PinnedAllocator::release(void* memory) {
  {
    const std::lock_guard lock(pinned().mutex_);
    pinned().end_of_.erase(memory);
  }
  std::free(memory);
}

}  // namespace

c10::Allocator& device_allocator() {
  static DeviceAllocator& allocator = *new DeviceAllocator;
  return allocator;
}
c10::Allocator& pinned_allocator() { return pinned(); }
bool is_pinned(const void* data) { return pinned().holds(data); }

at::Tensor on_host(const at::Tensor& of_device) {
  if (!of_device.defined() || of_device.is_cpu()) return of_device;
  // What is empty may be there to be resized, which borrowed memory cannot be.
  if (of_device.numel() == 0)
    return at::empty_strided(of_device.sizes(), of_device.strides(),
                             at::TensorOptions().dtype(of_device.scalar_type()));
  void* data = readable(of_device.unsafeGetTensorImpl()->mutable_data());
  return at::from_blob(data, of_device.sizes(), of_device.strides(),
                       at::TensorOptions().dtype(of_device.scalar_type()));
}

at::Tensor to_device(const at::Tensor& of_host) {
  at::Tensor made = at::detail::empty_strided_generic(
      of_host.sizes(), of_host.strides(), &device_allocator(),
      c10::DispatchKeySet(c10::DispatchKey::CUDA), of_host.scalar_type());
  on_host(made).copy_(of_host);
  return made;
}

}  // namespace tsrec::emulated_cuda
