// Byte pair encoding of single words (Sennrich et al. 2016) with the ids and merges of a
// vocabulary.
#pragma once

#include <c10/util/flat_hash_map.h>

#include <array>
#include <cstdint>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tsrec::text {

using Pair = std::pair<int32_t, int32_t>;

struct PairHash {
  size_t operator()(const Pair& pair) const {
    const uint64_t joined = (static_cast<uint64_t>(static_cast<uint32_t>(pair.first)) << 32) |
                            static_cast<uint32_t>(pair.second);
    return joined * 0x9E3779B97F4A7C15ULL >> 16;
  }
};

struct Merge {
  Pair from;
  int32_t to = 0;
};

// Immutable but for a cache of words, which is safe for any number of threads.
class Bpe {
 public:
  // pieces: the bytes of every id, all single bytes among them. merges: best first.
  // whole_words_first: a word that is a piece is that piece, whatever the merges would make of it.
  Bpe(std::vector<std::string> pieces, std::vector<Merge> merges, bool whole_words_first = false);

  void encode(std::string_view word, std::vector<int32_t>& out) const;
  const std::vector<std::string>& pieces() const { return pieces_; }
  const std::vector<Merge>& merges() const { return merges_; }

 private:
  struct Rule {
    int32_t rank, to;
  };
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using Words = std::unordered_map<std::string, std::vector<int32_t>, TextHash, std::equal_to<>>;
  struct Shard {
    std::shared_mutex mutex;
    Words words;
  };

  std::vector<int32_t> ids_of(std::string_view word) const;
  std::vector<int32_t> merge(std::string_view word) const;

  std::vector<std::string> pieces_;
  std::vector<Merge> merges_;
  std::array<int32_t, 256> id_of_byte_{};
  ska::flat_hash_map<Pair, Rule, PairHash> rules_;
  std::unordered_map<std::string, int32_t, TextHash, std::equal_to<>> whole_words_;  // empty: merge
  mutable std::array<Shard, 16> cache_;
};

}  // namespace tsrec::text
