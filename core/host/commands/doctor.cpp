#include <unistd.h>

#include <iostream>
#include <thread>

#include "commands/commands.hpp"
#include "plugin/registry.hpp"
#include "support/cuda.hpp"
#include "support/mapped_libraries.hpp"
#include "tsrec/product.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

std::string mebibytes(uintmax_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

void print_build() {
  std::cout << "tsrec " << TSREC_VERSION << "\n  facts: " << TSREC_FACTS << '\n';
}

// What main.cpp chose, or the user.
std::string waiting_policy() {
  std::string set;
  for (const char* name : {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"}) {
    const char* value = std::getenv(name);
    if (value != nullptr) set += c10::str(set.empty() ? "" : ", ", name, "=", value);
  }
  return set.empty() ? "as OpenMP does by itself" : set;
}

std::string float32_products() {
  const char* value = std::getenv("TSREC_PRODUCTS");
  return c10::str(shown_name(default_product_library()),
                  value == nullptr ? "" : c10::str(" (TSREC_PRODUCTS=", value, ")"));
}

void print_machine(const fs::path& store) {
  const auto pages = [](int name) { return static_cast<uintmax_t>(::sysconf(name)); };
  const std::string products = float32_products();
  std::cout << "machine\n  processor: " << std::thread::hardware_concurrency() << " threads, AVX2 "
            << (__builtin_cpu_supports("avx2") ? "yes" : "no") << ", AVX512 "
            << (__builtin_cpu_supports("avx512f") ? "yes" : "no") << ", AVX512-BF16 "
            << (__builtin_cpu_supports("avx512bf16") ? "yes" : "no")
            << "\n  float32 products: " << float32_products()
            << "\n  memory: " << mebibytes(pages(_SC_PHYS_PAGES) * pages(_SC_PAGE_SIZE)) << ", "
            << mebibytes(pages(_SC_AVPHYS_PAGES) * pages(_SC_PAGE_SIZE))
            << " free\n  threads wait: " << waiting_policy() << '\n';
  std::error_code failed;
  const fs::space_info space = fs::space(fs::exists(store) ? store : ".", failed);
  std::cout << "  disk of the store (" << store.string()
            << "): " << (failed ? failed.message() : mebibytes(space.available) + " free") << '\n';
}

// "13.0", or "cpu".
std::string cuda_of_libtorch() {
  const std::string facts = TSREC_FACTS, mark = ";cuda=";
  const size_t begin = facts.find(mark) + mark.size();
  return facts.substr(begin, facts.find(';', begin) - begin);
}

// Returns the number of libraries that are there twice.
int64_t print_libraries() {
  std::cout << "LibTorch " << TORCH_VERSION << ", CUDA " << cuda_of_libtorch()
            << ", device: " << (has_cuda() ? "yes" : "none: " + why_no_cuda()) << '\n';
  int64_t doubled = 0, openmp = 0;
  for (const auto& [name, files] : mapped_libraries()) {
    for (const fs::path& file : files) std::cout << "  " << file.string() << '\n';
    openmp += name.find("omp") != std::string::npos ? static_cast<int64_t>(files.size()) : 0;
    if (files.size() == 1) continue;
    std::cout << "  TWICE: " << name << "; one copy cannot use what the other makes\n";
    ++doubled;
  }
  if (openmp > 1)
    std::cout << "  TWICE: OpenMP; two runtimes share no threads and slow each other down\n";
  return doubled + (openmp > 1 ? 1 : 0);
}

int64_t print_plugins(Registry& registry) {
  registry.load_all();
  std::cout << "plugins, in the order of the search\n";
  for (const SearchPlace& place : registry.places()) {
    std::cout << "  " << place.folder.string() << "  (" << place.origin << ", "
              << (place.problem.empty() ? std::to_string(place.num_files) + " files"
                                        : place.problem)
              << ")\n";
  }
  int64_t refused = 0;
  for (const auto& file : registry.files()) {
    if (file->refusal.empty()) continue;
    std::cout << "refused: " << file->refusal << '\n';
    ++refused;
  }
  std::map<std::string, std::vector<std::string>> offers;
  for (const auto& [part, file] : registry.parts())
    offers[std::string(part->kind) + " '" + part->name + "'"].push_back(file->file.string());
  int64_t doubled = 0;
  for (const auto& [part, files] : offers) {
    if (files.size() == 1) continue;
    std::cout << "offered twice: " << part << " by " << c10::Join(" and ", files)
              << "; an experiment must say which, such as use = \"PLUGIN/PART\"\n";
    ++doubled;
  }
  std::cout << registry.parts().size() << " parts can be used, " << refused << " files cannot\n";
  return refused + doubled;
}

}  // namespace

int command_doctor(const Arguments& arguments) {
  if (!arguments.words.empty())
    throw ConfigError("doctor takes no arguments; --plugins DIR names a folder of plugins");
  print_build();
  print_machine(arguments.store);
  Registry registry(arguments.plugins, arguments.experiment);
  const int64_t bad_plugins = print_plugins(registry);
  const int64_t bad_libraries = print_libraries();
  return bad_plugins + bad_libraries == 0 ? kFine : kBadPlugin;
}

}  // namespace tsrec::host
