#include "tsrec/random.hpp"

#include <ATen/CPUGeneratorImpl.h>

#include "tsrec/io/files.hpp"

namespace tsrec {

at::Generator generator_of(std::span<const uint32_t> key) {
  constexpr uint32_t kStart = 19650218, kUp = 1664525, kDown = 1566083941;
  at::mt19937_data_pod data = at::mt19937(kStart).data();
  auto& word = data.state_;
  const size_t count = word.size();
  size_t i = 1;
  const auto mixed = [&](uint32_t factor) {
    return word[i] ^ ((word[i - 1] ^ (word[i - 1] >> 30)) * factor);
  };
  const auto go_on = [&] {
    if (++i < count) return;
    word[0] = word[count - 1];
    i = 1;
  };
  for (size_t k = 0; k < std::max(count, key.size()); ++k, go_on()) {
    const size_t j = k % key.size();
    word[i] = mixed(kUp) + key[j] + static_cast<uint32_t>(j);
  }
  for (size_t k = 0; k + 1 < count; ++k, go_on()) word[i] = mixed(kDown) - static_cast<uint32_t>(i);
  word[0] = 0x80000000U;
  at::mt19937 engine;
  engine.set_data(data);
  at::Generator generator = at::detail::createCPUGenerator();
  at::check_generator<at::CPUGeneratorImpl>(generator)->set_engine(engine);
  return generator;
}

at::Generator stream_of(std::string_view name) {
  const std::string digest = io::sha256(name);
  constexpr size_t kHexOfWord = 8;
  std::vector<uint32_t> key;
  for (size_t at = 0; at < digest.size(); at += kHexOfWord)
    key.push_back(static_cast<uint32_t>(std::stoul(digest.substr(at, kHexOfWord), nullptr, 16)));
  return generator_of(key);
}

}  // namespace tsrec
