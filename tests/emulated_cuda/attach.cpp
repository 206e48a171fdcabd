#include "attach.hpp"

#include <filesystem>

namespace tsrec::emulated_cuda {
namespace {

// When this library is loaded: before any tensor, and only where no driver of a real device is.
[[maybe_unused]] const bool is_attached = [] {
  if (std::filesystem::exists("/dev/nvidiactl")) return false;
  attach_device();
  attach_operators();
  return true;
}();

}  // namespace
}  // namespace tsrec::emulated_cuda
