#include "tsrec/text/tokenizer.hpp"

#include <unordered_map>
#include <unordered_set>

#include "text/added_tokens.hpp"
#include "text/bpe.hpp"
#include "text/bpe_trainer.hpp"
#include "text/byte_alphabet.hpp"
#include "text/pretokenize.hpp"
#include "text/tokenizer_files.hpp"
#include "text/utf8.hpp"

namespace tsrec::text {
namespace {

constexpr const char* kEndOfText = "<|endoftext|>";
constexpr size_t kBytes = 256;

// The settings that transformers needs to read a trained tokenizer as a Qwen2 tokenizer.
nlohmann::json trained_config() {
  return {{"add_prefix_space", false},
          {"bos_token", nullptr},
          {"clean_up_tokenization_spaces", false},
          {"eos_token", kEndOfText},
          {"errors", "replace"},
          {"model_max_length", 131072},
          {"pad_token", kEndOfText},
          {"split_special_tokens", false},
          {"tokenizer_class", "Qwen2Tokenizer"},
          {"unk_token", nullptr}};
}

std::unordered_map<std::string, int64_t> count_words(std::span<const std::string> texts) {
  const Pretokenizer pretokenizer(SplitPattern::qwen2);
  std::unordered_map<std::string, int64_t> counts;
  for (const std::string& text : texts) {
    pretokenizer.split(nfc(valid_utf8(text)),
                       [&](std::string_view word) { ++counts[std::string(word)]; });
  }
  return counts;
}

}  // namespace

struct Tokenizer::Impl {
  explicit Impl(TokenizerFiles files)
      : bpe(std::make_shared<const Bpe>(std::move(files.pieces), std::move(files.merges),
                                        files.whole_words_first)),
        pretokenizer(files.pattern),
        normalizes(files.nfc),
        size(static_cast<int64_t>(bpe->pieces().size())),
        config(std::move(files.config)),
        whole(std::move(files.whole)) {
    for (AddedToken& token : files.added) insert(std::move(token));
  }

  void insert(AddedToken token) {
    AddedTokenMatcher& matcher = token.normalized ? after_nfc : before_nfc;
    matcher.insert(token.normalized ? normal(token.content) : token.content, token.id);
    id_of_added[token.content] = token.id;
    size = std::max<int64_t>(size, token.id + 1);
    added[token.id] = std::move(token);
  }

  std::string normal(std::string_view text) const {
    return normalizes ? nfc(text) : std::string(text);
  }

  // The id of a token by its spelling in the files, as transformers looks it up.
  std::unordered_set<std::string> taken_spellings() const {
    const ByteAlphabet alphabet;
    std::unordered_set<std::string> taken;
    for (const std::string& piece : bpe->pieces()) taken.insert(alphabet.spell(piece));
    for (const auto& [id, token] : added) taken.insert(token.content);
    return taken;
  }

  std::shared_ptr<const Bpe> bpe;  // shared by copies, its word cache too
  Pretokenizer pretokenizer;
  bool normalizes;
  AddedTokenMatcher before_nfc, after_nfc;
  std::map<int32_t, AddedToken> added;
  std::map<std::string, int32_t, std::less<>> id_of_added;
  int64_t size;
  int32_t eos = 0;
  nlohmann::json config, whole;
};

Tokenizer::Tokenizer() = default;
Tokenizer::Tokenizer(const Tokenizer& other) : impl_(std::make_unique<Impl>(*other.impl_)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Tokenizer Tokenizer::load(const std::filesystem::path& folder) {
  TokenizerFiles files = read_tokenizer_files(folder);
  const std::string eos = files.eos;
  Tokenizer tokenizer;
  tokenizer.impl_ = std::make_unique<Impl>(std::move(files));
  const std::optional<int32_t> id = tokenizer.find(eos);
  if (!id) {
    throw DataError(folder.string(), ": the eos_token ", eos, " is not among the added tokens");
  }
  tokenizer.impl_->eos = *id;
  return tokenizer;
}

Tokenizer Tokenizer::train(std::span<const std::string> texts, int64_t size) {
  const auto pieces = static_cast<size_t>(std::max<int64_t>(size - 1, 0));
  if (pieces < kBytes) {
    throw ConfigError("a byte-level vocabulary of ", size, " entries is too small; it needs ",
                      kBytes, " bytes and one end-of-text token");
  }
  TrainedBpe trained = train_bpe(count_words(texts), pieces);
  const auto eos = static_cast<int32_t>(trained.pieces.size());
  TokenizerFiles files;
  files.pieces = std::move(trained.pieces);
  files.merges = std::move(trained.merges);
  files.added = {{eos, kEndOfText, true, false}};
  files.config = trained_config();
  Tokenizer tokenizer;
  tokenizer.impl_ = std::make_unique<Impl>(std::move(files));
  tokenizer.impl_->eos = eos;
  return tokenizer;
}

Tokenizer Tokenizer::without_text() {
  TokenizerFiles files;
  files.added = {{0, kEndOfText, true, false}};
  files.config = trained_config();
  Tokenizer tokenizer;
  tokenizer.impl_ = std::make_unique<Impl>(std::move(files));
  return tokenizer;
}

std::vector<int32_t> Tokenizer::encode(std::string_view text) const {
  std::vector<int32_t> ids;
  const auto on_token = [&](int32_t id) { ids.push_back(id); };
  const auto on_word = [&](std::string_view word) { impl_->bpe->encode(word, ids); };
  const auto on_normal = [&](std::string_view part) { impl_->pretokenizer.split(part, on_word); };
  const auto on_raw = [&](std::string_view part) {
    if (!part.empty() && !reads_text())
      throw ConfigError("the model reads tokens alone, no text, and was given '", part,
                        "'; choose a [prompt] without words, or a backbone that reads text");
    impl_->after_nfc.split(impl_->normal(part), on_normal, on_token);
  };
  impl_->before_nfc.split(valid_utf8(text), on_raw, on_token);
  return ids;
}

std::string Tokenizer::decode(std::span<const int32_t> ids) const {
  std::string bytes;
  for (const int32_t id : ids) {
    if (id < 0 || id >= size()) {
      throw Error("cannot decode the id ", id, "; the tokenizer's ids are 0 to ", size() - 1);
    }
    const auto added = impl_->added.find(id);
    bytes += added != impl_->added.end() ? added->second.content
                                         : impl_->bpe->pieces()[static_cast<size_t>(id)];
  }
  return valid_utf8(bytes);  // ids may end inside a character
}

bool Tokenizer::reads_text() const { return !impl_->bpe->pieces().empty(); }

int64_t Tokenizer::size() const { return impl_->size; }

int32_t Tokenizer::eos() const { return impl_->eos; }

std::optional<int32_t> Tokenizer::find(std::string_view token) const {
  const auto found = impl_->id_of_added.find(token);
  return found == impl_->id_of_added.end() ? std::nullopt : std::optional(found->second);
}

bool Tokenizer::is_added(int32_t id) const { return impl_->added.contains(id); }

// Checks all tokens before it adds the first. A token that the vocabulary spells is refused too,
// because transformers would give the saved token its old id.
void Tokenizer::add(std::span<const std::string> tokens) {
  std::unordered_set<std::string> taken = impl_->taken_spellings();
  for (const std::string& token : tokens) {
    if (token.empty() || valid_utf8(token) != token) {
      throw ConfigError("cannot add the token '", valid_utf8(token), "'; expected UTF-8 text");
    }
    if (!taken.insert(token).second) {
      throw ConfigError("cannot add the token ", token, "; the tokenizer has it already");
    }
  }
  for (const std::string& token : tokens) {
    impl_->insert({static_cast<int32_t>(impl_->size), token, false, false});
  }
}

void Tokenizer::save(const std::filesystem::path& folder) const {
  TokenizerFiles files;
  files.pieces = impl_->bpe->pieces();
  files.merges = impl_->bpe->merges();
  for (const auto& [id, token] : impl_->added) files.added.push_back(token);
  files.config = impl_->config;
  files.whole = impl_->whole;
  write_tokenizer_files(folder, files);
}

}  // namespace tsrec::text
