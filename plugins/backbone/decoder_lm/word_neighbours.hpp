// Nearest neighbours of frequent words in the embedding: a look at whether pre-training gave the
// rows a meaning.
#pragma once

#include "tsrec/text/tokenizer.hpp"

namespace tsrec::decoder_lm {

struct WordNeighbours {
  std::string word;
  std::vector<std::string> nearest;  // by cosine of centred rows, nearest first
};

// For `num_words` of the most frequent words of at least five letters that are one token;
// candidates are words of at least four letters that are one token and occur ten times or more.
// embedding_VD: [V, D]. Fewer when the texts are few.
std::vector<WordNeighbours> word_neighbours(const torch::Tensor& embedding_VD,
                                            const text::Tokenizer& tokenizer,
                                            const std::vector<std::string>& texts,
                                            int64_t num_words, int64_t num_neighbours);

}  // namespace tsrec::decoder_lm
