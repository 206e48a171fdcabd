// The CUDA half of LibTorch. The program links only the half for the processor: the other one needs
// a driver and gigabytes of libraries, so it is opened where a device is.
#pragma once

#include <filesystem>
#include <string>

#include "support/api.hpp"

namespace tsrec::host {

// "" where a CUDA device can be used; else why it cannot, and what to do about it. Opens the
// libraries at the first call, which must come before anything else asks LibTorch for a device.
TSREC_HOST_API const std::string& why_no_cuda();
TSREC_HOST_API std::filesystem::path cuda_library();  // beside the half that is in use
TSREC_HOST_API bool has_driver();                     // of an NVIDIA device
inline bool has_cuda() { return why_no_cuda().empty(); }

}  // namespace tsrec::host
