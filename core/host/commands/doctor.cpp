#include <iostream>
#include <thread>

#include "commands/commands.hpp"
#include "plugin/registry.hpp"

namespace tsrec::host {

int command_doctor(const Arguments& arguments) {
  std::cout << "tsrec " << TSREC_VERSION << "\nfacts: " << TSREC_FACTS << "\n";
  std::cout << "processor: " << std::thread::hardware_concurrency() << " threads, AVX2 "
            << (__builtin_cpu_supports("avx2") ? "yes" : "no") << ", AVX512 "
            << (__builtin_cpu_supports("avx512f") ? "yes" : "no") << ", AVX512-BF16 "
            << (__builtin_cpu_supports("avx512bf16") ? "yes" : "no")
            << "\nCUDA: " << (torch::hasCUDA() ? "available" : "none") << "\n";
  std::error_code failed;
  const auto space = std::filesystem::space(
      std::filesystem::exists(arguments.store) ? arguments.store : ".", failed);
  if (!failed)
    std::cout << "store: " << arguments.store.string() << ", " << space.available / (1 << 20)
              << " MiB free\n";
  Registry registry(arguments.plugins, "");
  registry.load_all();
  for (const SearchPlace& place : registry.places()) {
    std::cout << "plugins: " << place.folder.string() << "  (" << place.origin << ", "
              << (place.exists ? std::to_string(place.num_files) + " files" : "absent") << ")\n";
  }
  int64_t refused = 0;
  for (const auto& file : registry.files()) {
    if (file->refusal.empty()) continue;
    std::cout << "refused: " << file->refusal << '\n';
    ++refused;
  }
  std::cout << registry.parts().size() << " parts can be used, " << refused << " files cannot\n";
  return refused == 0 ? kFine : kBadPlugin;
}

}  // namespace tsrec::host
