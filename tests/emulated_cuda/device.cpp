// What LibTorch asks about a device: there is one, with one stream that is never behind.
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include "attach.hpp"
#include "memory.hpp"

namespace tsrec::emulated_cuda {
namespace {

struct Guard final : c10::impl::DeviceGuardImplInterface {
  c10::DeviceType type() const override { return c10::kCUDA; }
  c10::Device exchangeDevice(c10::Device) const override { return getDevice(); }
  c10::Device getDevice() const override { return {c10::kCUDA, 0}; }
  void setDevice(c10::Device) const override {}
  void uncheckedSetDevice(c10::Device) const noexcept override {}
  c10::Stream getStream(c10::Device) const override {
    return c10::Stream(c10::Stream::DEFAULT, getDevice());
  }
  c10::Stream getDefaultStream(c10::Device device) const override { return getStream(device); }
  c10::Stream exchangeStream(c10::Stream) const override { return getStream(getDevice()); }
  c10::DeviceIndex deviceCount() const noexcept override { return 1; }
  void record(void**, const c10::Stream&, c10::DeviceIndex, c10::EventFlag) const override {}
  void block(void*, const c10::Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
  bool queryStream(const c10::Stream&) const override { return true; }
  void synchronizeStream(const c10::Stream&) const override {}
  void synchronizeDevice(c10::DeviceIndex) const override {}
};

}  // namespace
}  // namespace tsrec::emulated_cuda

namespace at {

// The registry of hooks wants a class of this namespace.
struct EmulatedCudaHooks final : CUDAHooksInterface {
  explicit EmulatedCudaHooks(CUDAHooksArgs) {}
  void init() const override {}
  bool hasCUDA() const override { return true; }
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(DeviceIndex) const override { return true; }
  int getNumGPUs() const override { return 1; }
  DeviceIndex deviceCount() const override { return 1; }
  DeviceIndex current_device() const override { return 0; }
  DeviceIndex getCurrentDevice() const override { return 0; }
  void setCurrentDevice(DeviceIndex) const override {}
  DeviceIndex exchangeDevice(DeviceIndex) const override { return 0; }
  DeviceIndex maybeExchangeDevice(DeviceIndex) const override { return 0; }
  bool isPinnedPtr(const void* data) const override {
    return tsrec::emulated_cuda::is_pinned(data);
  }
  Allocator* getPinnedMemoryAllocator() const override {
    return &tsrec::emulated_cuda::pinned_allocator();
  }
  Allocator* getCUDADeviceAllocator() const override {
    return &tsrec::emulated_cuda::device_allocator();
  }
  Device getDeviceFromPtr(void*) const override { return {kCUDA, 0}; }
  void deviceSynchronize(DeviceIndex) const override {}
};

}  // namespace at

namespace tsrec::emulated_cuda {

void attach_device() {
  c10::SetAllocator(c10::kCUDA, &device_allocator());
  c10::impl::registerDeviceGuard(c10::kCUDA, new Guard);
  at::CUDAHooksRegistry()->Register("CUDAHooks", [](at::CUDAHooksArgs args) {
    return std::unique_ptr<at::CUDAHooksInterface>(std::make_unique<at::EmulatedCudaHooks>(args));
  });
}

}  // namespace tsrec::emulated_cuda
