#include "report/environment.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

namespace tsrec::host {
namespace {

// As the kernel calls it; "unknown" where it does not say.
std::string find_processor() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    const size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

const std::string& processor() {
  static const std::string found = find_processor();
  return found;
}

std::string system_name() {
  utsname names{};
  if (::uname(&names) != 0) return "unknown";
  return c10::str(names.sysname, " ", names.release, " ", names.machine);
}

}  // namespace

std::string environment_json_of(const RunSettings& run) {
  const int64_t memory =
      static_cast<int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGE_SIZE) >> 20;
  const nlohmann::ordered_json json = {
      {"tsrec", TSREC_VERSION},
      {"build", TSREC_FACTS},
      {"libtorch", TORCH_VERSION},
      {"system", system_name()},
      {"processor", processor()},
      {"processor_threads", std::thread::hardware_concurrency()},
      {"memory_mib", memory},
      {"device", run.torch_device.str()},
      {"precision", run.torch_precision == torch::kBFloat16 ? "bfloat16" : "float32"},
      {"threads", run.threads},
      {"float32_products", name_of(run.product_library)}};
  return json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace tsrec::host
