// Byte pair encoding of single words (Sennrich et al. 2016) with the ids and merges of a
// vocabulary.
#pragma once

#include <c10/util/flat_hash_map.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "text/model.hpp"
#include "text/vocabulary.hpp"
#include "text/word_cache.hpp"

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

struct BpeSettings {
  bool is_byte_level = true;       // words are merged from bytes, else from characters
  bool whole_words_first = false;  // a word that is a token is that token, whatever merges make
  // Of a character that the vocabulary lacks: its bytes as <0x00> ... <0xFF>, the unknown token, or
  // nothing.
  bool byte_fallback = false;
  std::optional<int32_t> unknown;
  bool fuse_unknown = false;                   // neighbours that are unknown are one token
  std::string continuing_prefix, word_suffix;  // of characters inside, and at the end, of a word
  // Byte-level: tokens that the byte alphabet cannot spell. They stand in no text.
  std::unordered_set<int32_t> unspelled;
};

// Immutable but for a cache of words.
class Bpe final : public Model {
 public:
  // pieces: what every id stands for. merges: best first.
  Bpe(std::vector<std::string> pieces, std::vector<Merge> merges, BpeSettings settings = {});

  void encode(std::string_view word, std::vector<int32_t>& out) const override;
  const std::vector<std::string>& pieces() const override { return pieces_; }
  const std::vector<Merge>& merges() const { return merges_; }

 private:
  struct Rule {
    int32_t rank, to;
  };

  std::optional<int32_t> find(std::string_view piece) const;
  std::vector<int32_t> ids_of(std::string_view word) const;
  std::vector<int32_t> symbols_of(std::string_view word) const;
  std::vector<int32_t> merged(const std::vector<int32_t>& symbols) const;
  template <class Known, class Unknown>
  void each_symbol(std::string_view word, const Known& known, const Unknown& unknown) const;

  std::vector<std::string> pieces_;
  std::vector<Merge> merges_;
  BpeSettings settings_;
  std::array<int32_t, 256> id_of_byte_{};  // of the byte, or of its <0x..>; -1: none
  ska::flat_hash_map<Pair, Rule, PairHash> rules_;
  // By piece, whose memory is that of pieces_; empty where nothing is looked up by its text.
  ska::flat_hash_map<std::string_view, int32_t> id_of_;
  mutable WordCache cache_;
};

// The model of a tokenizer.json; is_byte_level as its pre-tokenizer says.
std::shared_ptr<const Bpe> read_bpe(const Step& step, bool is_byte_level, const std::string& file);
// Of vocab.json and the lines of merges.txt.
std::shared_ptr<const Bpe> read_bpe(const Spellings& vocabulary, const std::string& vocabulary_file,
                                    std::string_view merges, const std::string& merges_file);

}  // namespace tsrec::text
