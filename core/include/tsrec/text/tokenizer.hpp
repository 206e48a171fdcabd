// Text to token ids and back, with ids equal to those of Hugging Face's tokenizers.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::text {

class TSREC_API Tokenizer {
 public:
  // tokenizer.json, step by step: BPE (of bytes, or of characters with or without byte fallback),
  // WordPiece or Unigram, and the steps before and behind them. A step that is not computed here is
  // a DataError that names it. Without that file, vocab.json + merges.txt of a Qwen2Tokenizer or
  // GPT2Tokenizer; and tokenizer_config.json.
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

  // Added tokens match first (longest), then the text is normalised, cut and given to the model.
  // Nothing is put before or behind it: the ids are those of transformers with add_special_tokens =
  // False. Invalid UTF-8 becomes U+FFFD. Thread-safe.
  std::vector<int32_t> encode(std::string_view text) const;
  std::string decode(std::span<const int32_t> ids) const;
  bool reads_text() const;
  int64_t size() const;  // ids are 0 .. size()-1
  int32_t eos() const;   // end of text, as the folder says
  // What models of this tokenizer were trained to see before and behind a text (<s>, [CLS] ...
  // [SEP]), as its post-processor says; often nothing.
  const std::vector<int32_t>& begin_tokens() const;
  const std::vector<int32_t>& end_tokens() const;
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
