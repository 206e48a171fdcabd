#include "support/cuda.hpp"

#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <dlfcn.h>

#include "support/mapped_libraries.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDriver = "/dev/nvidiactl";

std::string open_libraries() {
  if (!c10::impl::hasDeviceGuardImpl(c10::kCUDA)) {
    if (!has_driver()) return c10::str("there is no NVIDIA driver (", kDriver, ")");
    const fs::path library = cuda_library();
    if (::dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
      return c10::str(::dlerror(), "; 'TSREC_CUDA=1 third_party/install.sh' installs what ",
                      library.filename().string(), " needs");
    }
  }
  return torch::hasCUDA() ? "" : "LibTorch finds no device that it can use; see nvidia-smi";
}

}  // namespace

fs::path cuda_library() {
  return mapped_libraries().at("libtorch_cpu").front().parent_path() / "libtorch_cuda.so";
}

bool has_driver() { return fs::exists(kDriver); }

const std::string& why_no_cuda() {
  static const std::string why = open_libraries();
  return why;
}

}  // namespace tsrec::host
