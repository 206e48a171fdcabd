// What the files of a tokenizer folder say, checked.
#pragma once

#include <nlohmann/json.hpp>

#include "text/added_tokens.hpp"
#include "text/bpe.hpp"
#include "text/pretokenize.hpp"
#include "tsrec/error.hpp"

namespace tsrec::text {

struct TokenizerFiles {
  std::vector<std::string> pieces;  // bytes of ids 0, 1, ...
  std::vector<Merge> merges;
  std::vector<AddedToken> added;  // ascending; those after the pieces continue their ids
  std::string eos;
  SplitPattern pattern = SplitPattern::qwen2;
  bool nfc = true;                 // texts are normalised first
  bool whole_words_first = false;  // ignore_merges of tokenizer.json
  nlohmann::json config;           // tokenizer_config.json as it was, kept for save()
  nlohmann::json whole;            // tokenizer.json as it was, if it was read
};

// tokenizer_config.json, and vocab.json with merges.txt, or tokenizer.json where they are absent.
TokenizerFiles read_tokenizer_files(const std::filesystem::path& folder);
void write_tokenizer_files(const std::filesystem::path& folder, const TokenizerFiles& files);

}  // namespace tsrec::text
