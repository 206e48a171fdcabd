// Ids of words that came before: a text has few different words.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tsrec::text {

// Safe for any number of threads.
class WordCache {
 public:
  // Appends the ids of a word, which compute(word) gives where they are not known yet.
  template <class Compute>
  void append(std::string_view word, std::vector<int32_t>& out, const Compute& compute) {
    const auto take = [&](const std::vector<int32_t>& ids) {
      out.insert(out.end(), ids.begin(), ids.end());
    };
    if (word.size() > kLongestWord) return take(compute(word));
    Shard& shard = shards_[Hash{}(word) % shards_.size()];
    {
      const std::shared_lock lock(shard.mutex);
      const auto found = shard.words.find(word);
      if (found != shard.words.end()) return take(found->second);
    }
    std::vector<int32_t> ids = compute(word);
    take(ids);
    const std::unique_lock lock(shard.mutex);
    if (shard.words.size() < kWordsPerShard) shard.words.emplace(word, std::move(ids));
  }

 private:
  static constexpr size_t kLongestWord = 64;         // longer words hardly ever come twice
  static constexpr size_t kWordsPerShard = 1 << 14;  // bounds the cache near 50 MB

  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  struct Shard {
    std::shared_mutex mutex;
    std::unordered_map<std::string, std::vector<int32_t>, Hash, std::equal_to<>> words;
  };

  std::array<Shard, 16> shards_;
};

}  // namespace tsrec::text
