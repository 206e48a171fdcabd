// What the library sentence-transformers writes beside a model: how the states of a text's tokens
// become its vector.
#pragma once

#include "tsrec/nn/sequence_vectors.hpp"

namespace tsrec::nn {

struct SentenceConfig {
  std::filesystem::path model;  // the folder of config.json, weights and tokenizer
  Pooling pooling = Pooling::mean;
  bool pools_prompt = true;  // the prompt's tokens count in the mean
  bool normalizes = false;
  bool lowers_case = false;  // of texts, before the tokenizer
  int64_t max_tokens = 0;    // with those before and behind the text; 0: nothing is said
  std::string prompt;        // put before every text unless another is given
};

// modules.json with the files that it leads to, config_sentence_transformers.json and
// tokenizer_config.json. Without them it is what that library takes for granted: the mean. Modules
// and ways of pooling that are not computed here are a DataError with file, key and value.
TSREC_API SentenceConfig read_sentence_config(const std::filesystem::path& folder);

}  // namespace tsrec::nn
