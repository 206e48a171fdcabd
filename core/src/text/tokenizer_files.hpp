// What the files of a tokenizer folder say, checked.
#pragma once

#include <nlohmann/json.hpp>

#include "text/added_tokens.hpp"
#include "text/bpe.hpp"
#include "tsrec/error.hpp"

namespace tsrec::text {

struct TokenizerFiles {
  std::vector<std::string> pieces;  // bytes of ids 0, 1, ...
  std::vector<Merge> merges;
  std::vector<AddedToken> added;  // ascending; those after the pieces continue their ids
  std::string eos;
  nlohmann::json config;  // tokenizer_config.json as it was, kept for save()
};

// vocab.json and merges.txt, or tokenizer.json where they are absent, and tokenizer_config.json.
TokenizerFiles read_tokenizer_files(const std::filesystem::path& folder);
void write_tokenizer_files(const std::filesystem::path& folder, const TokenizerFiles& files);

}  // namespace tsrec::text
