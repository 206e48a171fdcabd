// What the files of a tokenizer folder say, checked.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

#include "text/added_tokens.hpp"
#include "text/bpe.hpp"
#include "text/pipeline.hpp"

namespace tsrec::text {

// What save() writes again, as it was read.
struct KeptFiles {
  nlohmann::json config;           // tokenizer_config.json
  nlohmann::json whole;            // tokenizer.json, or
  std::shared_ptr<const Bpe> bpe;  // vocab.json and merges.txt
};

struct TokenizerFiles {
  Pipeline pipeline;
  std::vector<AddedToken> added;  // ascending; those after the pieces continue their ids
  std::string eos;                // one of them
  KeptFiles kept;
};

// tokenizer_config.json, and tokenizer.json, or vocab.json with merges.txt where that is absent.
TokenizerFiles read_tokenizer_files(const std::filesystem::path& folder);
void write_tokenizer_files(const std::filesystem::path& folder, const KeptFiles& kept,
                           const std::vector<AddedToken>& added);

}  // namespace tsrec::text
