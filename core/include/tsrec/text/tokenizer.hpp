// Byte-level BPE, with ids equal to Hugging Face's for supported tokenizer classes.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::text {

class TSREC_API Tokenizer {
 public:
  // vocab.json + merges.txt of a Qwen2Tokenizer, or tokenizer.json of byte-level BPE with the split
  // pattern of Qwen2, Qwen3 or Llama 3; and tokenizer_config.json. What is written otherwise is
  // refused by name. No token is put before or behind a text: the ids are those of transformers
  // with add_special_tokens = False.
  static Tokenizer load(const std::filesystem::path& folder);
  // Byte-level BPE of at most `size` entries including 256 bytes and one end-of-text token;
  // deterministic.
  static Tokenizer train(std::span<const std::string> texts, int64_t size);
  // Of a model that reads no words, such as one over SIDs alone (TIGER): an end-of-text token, and
  // what add() adds. To encode() anything else is a ConfigError.
  static Tokenizer without_text();

  Tokenizer(const Tokenizer&);
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  // Added tokens match first (longest), then NFC, regex split, merges. Invalid UTF-8 becomes
  // U+FFFD. Thread-safe.
  std::vector<int32_t> encode(std::string_view text) const;
  std::string decode(std::span<const int32_t> ids) const;
  bool reads_text() const;
  int64_t size() const;                                       // ids are 0 .. size()-1
  int32_t eos() const;                                        // end of text, as the folder says
  std::optional<int32_t> find(std::string_view token) const;  // an added token's id
  bool is_added(int32_t id) const;
  void add(std::span<const std::string>
               tokens);  // ids follow size(); a token that exists is a ConfigError
  void save(const std::filesystem::path& folder)
      const;  // the files that load() read, with the added tokens; byte-stable

 private:
  Tokenizer();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tsrec::text
