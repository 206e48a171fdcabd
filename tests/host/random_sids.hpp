// A small catalogue with random SIDs, for what is said about SIDs.
#pragma once

#include <random>

#include "support/support.hpp"

namespace tsrec::test {

class RandomNumbers {
 public:
  int64_t below(int64_t end) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(end));
  }
  torch::Tensor normal(at::IntArrayRef sizes) { return torch::randn(sizes, torch_); }
  std::mt19937_64& engine() { return random_; }

 private:
  std::mt19937_64 random_{std::random_device{}()};
  at::Generator torch_ = at::detail::createCPUGenerator(random_());
};

// Three levels; some SIDs are shared, and those that begin with code 0 end behind the second.
inline SidTable random_sids(int64_t items, RandomNumbers& random) {
  torch::Tensor code_NL = torch::empty({items, 3}, torch::kInt64);
  auto code = code_NL.accessor<int64_t, 2>();
  for (int64_t item = 0; item < items; ++item) {
    code[item][0] = random.below(5);
    code[item][1] = random.below(4);
    code[item][2] = code[item][0] == 0 ? -1 : random.below(3);
  }
  return {code_NL, {6, 4, 3}};
}

// The first codes of an item's SID as a text, "" for none; as many as it has where it has fewer.
inline std::string first_codes(const SidTable& sids, int64_t item, int64_t count) {
  std::string text;
  for (int64_t level = 0; level < count; ++level) {
    const int64_t code = sids.code_NL[item][level].item<int64_t>();
    if (code >= 0) text += sids.spelling.token(level, code);
  }
  return text;
}

inline Items random_items(int64_t count) {
  std::vector<std::string> keys, titles;
  for (int64_t item = 0; item < count; ++item) {
    keys.push_back(c10::str("key", item));
    titles.push_back(item % 7 == 0 ? "" : c10::str("title ", item));
  }
  Items items(keys);
  items.set("title", titles);
  return items;
}

}  // namespace tsrec::test
