// The unigram language model of SentencePiece (Kudo, 2018): the most likely sequence of tokens.
#pragma once

#include "text/model.hpp"
#include "text/vocabulary.hpp"
#include "text/word_cache.hpp"

namespace tsrec::text {

class Unigram final : public Model {
 public:
  Unigram(const Step& step, const std::string& file);
  void encode(std::string_view word, std::vector<int32_t>& out) const override;
  const std::vector<std::string>& pieces() const override { return vocabulary_.pieces(); }

 private:
  // Where the best way to the end of a prefix comes from.
  struct Arrival {
    double score = 0;
    size_t begin = kNowhere;
    int32_t id = -1;  // -1: a character that no token has
  };
  static constexpr size_t kNowhere = static_cast<size_t>(-1);

  std::vector<int32_t> ids_of(std::string_view word) const;
  std::vector<Arrival> best_ways(std::string_view word) const;
  void append(std::string_view piece, std::vector<int32_t>& ids) const;

  std::vector<double> scores_;  // log probabilities by id
  Vocabulary vocabulary_;
  // Edges of a trie of all tokens: (node, byte) -> node; and the token that ends at a node, or -1.
  ska::flat_hash_map<uint64_t, int32_t> edges_;
  std::vector<int32_t> token_at_;
  std::optional<int32_t> unknown_;
  double unknown_score_ = 0;
  bool byte_fallback_;
  std::string file_;
  mutable WordCache cache_;
};

}  // namespace tsrec::text
