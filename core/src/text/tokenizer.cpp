#include "tsrec/text/tokenizer.hpp"

#include <unordered_map>
#include <unordered_set>

#include "text/added_tokens.hpp"
#include "text/bpe.hpp"
#include "text/bpe_trainer.hpp"
#include "text/byte_alphabet.hpp"
#include "text/pipeline.hpp"
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
  const Pipeline pipeline = qwen2_pipeline(nullptr);
  std::unordered_map<std::string, int64_t> counts;
  for (const std::string& text : texts) {
    pipeline.pre_tokenizer.split({pipeline.normalizer(valid_utf8(text))},
                                 [&](const Part& word) { ++counts[std::string(word.text)]; });
  }
  return counts;
}

// Byte-level BPE as it is trained here, with one token more: end of text.
TokenizerFiles trained_files(std::vector<std::string> pieces, std::vector<Merge> merges) {
  const auto eos = static_cast<int32_t>(pieces.size());
  TokenizerFiles files;
  files.kept.bpe = std::make_shared<const Bpe>(std::move(pieces), std::move(merges));
  files.kept.config = trained_config();
  files.pipeline = qwen2_pipeline(files.kept.bpe);
  files.added = {{eos, kEndOfText, /*special=*/true}};
  files.eos = kEndOfText;
  return files;
}

}  // namespace

struct Tokenizer::Impl {
  explicit Impl(TokenizerFiles files)
      : pipeline(std::make_shared<const Pipeline>(std::move(files.pipeline))),
        kept(std::make_shared<const KeptFiles>(std::move(files.kept))),
        size(static_cast<int64_t>(pipeline->model->pieces().size())) {
    for (AddedToken& token : files.added) insert(std::move(token));
    eos = id_of_added.at(files.eos);
  }

  void insert(AddedToken token) {
    if (token.normalized)
      after_normalizing.insert(pipeline->normalizer(token.content), token);
    else
      before_normalizing.insert(token.content, token);
    id_of_added[token.content] = token.id;
    size = std::max<int64_t>(size, token.id + 1);
    added[token.id] = std::move(token);
  }

  // Tokens by their spelling in the files, as transformers looks them up.
  std::unordered_set<std::string> taken_spellings() const {
    const ByteAlphabet alphabet;
    const bool is_byte_level = pipeline->pre_tokenizer.is_byte_level();
    std::unordered_set<std::string> taken;
    for (const std::string& piece : pipeline->model->pieces())
      taken.insert(is_byte_level ? alphabet.spell(piece) : piece);
    for (const auto& [id, token] : added) taken.insert(token.content);
    return taken;
  }

  std::shared_ptr<const Pipeline> pipeline;  // shared by copies, the model's word cache too
  std::shared_ptr<const KeptFiles> kept;
  AddedTokenMatcher before_normalizing, after_normalizing;
  std::map<int32_t, AddedToken> added;
  std::map<std::string, int32_t, std::less<>> id_of_added;
  int64_t size;
  int32_t eos = 0;
};

Tokenizer::Tokenizer() = default;
Tokenizer::Tokenizer(const Tokenizer& other) : impl_(std::make_unique<Impl>(*other.impl_)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Tokenizer Tokenizer::load(const std::filesystem::path& folder) {
  Tokenizer tokenizer;
  tokenizer.impl_ = std::make_unique<Impl>(read_tokenizer_files(folder));
  return tokenizer;
}

Tokenizer Tokenizer::train(std::span<const std::string> texts, int64_t size) {
  const auto pieces = static_cast<size_t>(std::max<int64_t>(size - 1, 0));
  if (pieces < kBytes) {
    throw ConfigError("a byte-level vocabulary of ", size, " entries is too small; it needs ",
                      kBytes, " bytes and one end-of-text token");
  }
  TrainedBpe trained = train_bpe(count_words(texts), pieces);
  Tokenizer tokenizer;
  tokenizer.impl_ =
      std::make_unique<Impl>(trained_files(std::move(trained.pieces), std::move(trained.merges)));
  return tokenizer;
}

Tokenizer Tokenizer::without_text() {
  Tokenizer tokenizer;
  tokenizer.impl_ = std::make_unique<Impl>(trained_files({}, {}));
  return tokenizer;
}

std::vector<int32_t> Tokenizer::encode(std::string_view text) const {
  const Pipeline& pipeline = *impl_->pipeline;
  const std::string valid = valid_utf8(text);
  std::vector<int32_t> ids;
  const auto on_token = [&](int32_t id) { ids.push_back(id); };
  const auto on_word = [&](const Part& word) { pipeline.model->encode(word.text, ids); };
  const auto on_raw = [&](std::string_view part) {
    if (!part.empty() && !reads_text())
      throw ConfigError("the model reads tokens alone, no text, and was given '", part,
                        "'; choose a [prompt] without words, or a backbone that reads text");
    const std::string normal = pipeline.normalizer(part);
    const bool leads = part.data() == valid.data();
    impl_->after_normalizing.split(
        normal,
        [&](std::string_view piece) {
          pipeline.pre_tokenizer.split({piece, leads && piece.data() == normal.data()}, on_word);
        },
        on_token);
  };
  impl_->before_normalizing.split(valid, on_raw, on_token);
  return ids;
}

const std::vector<int32_t>& Tokenizer::begin_tokens() const {
  return impl_->pipeline->around.before;
}

const std::vector<int32_t>& Tokenizer::end_tokens() const { return impl_->pipeline->around.after; }

std::string Tokenizer::decode(std::span<const int32_t> ids) const {
  const std::vector<std::string>& pieces = impl_->pipeline->model->pieces();
  std::vector<std::string> tokens;
  for (const int32_t id : ids) {
    if (id < 0 || id >= size()) {
      throw Error("cannot decode the id ", id, "; the tokenizer's ids are 0 to ", size() - 1);
    }
    const auto added = impl_->added.find(id);
    tokens.push_back(added != impl_->added.end() ? added->second.content
                                                 : pieces[static_cast<size_t>(id)]);
  }
  return valid_utf8(impl_->pipeline->decoder(std::move(tokens)));  // ids may end in a character
}

bool Tokenizer::reads_text() const { return !impl_->pipeline->model->pieces().empty(); }

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
    impl_->insert({static_cast<int32_t>(impl_->size), token});
  }
}

void Tokenizer::save(const std::filesystem::path& folder) const {
  std::vector<AddedToken> added;
  for (const auto& [id, token] : impl_->added) added.push_back(token);
  write_tokenizer_files(folder, *impl_->kept, added);
}

}  // namespace tsrec::text
