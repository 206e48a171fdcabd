// WordPiece (Schuster and Nakajima, 2012) as BERT reads it: the longest token first, again and
// again.
#pragma once

#include "text/model.hpp"
#include "text/vocabulary.hpp"
#include "text/word_cache.hpp"

namespace tsrec::text {

class WordPiece final : public Model {
 public:
  WordPiece(const Step& step, const std::string& file);
  void encode(std::string_view word, std::vector<int32_t>& out) const override;
  const std::vector<std::string>& pieces() const override { return vocabulary_.pieces(); }

 private:
  std::vector<int32_t> ids_of(std::string_view word) const;

  Vocabulary vocabulary_;
  std::string continuing_prefix_;
  int32_t unknown_;
  int64_t longest_word_;  // in characters; longer ones are unknown
  mutable WordCache cache_;
};

}  // namespace tsrec::text
