#include "text/tokenizer_files.hpp"

#include <c10/util/flat_hash_map.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "io/json.hpp"
#include "text/byte_alphabet.hpp"
#include "text/pretokenize.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::text {
namespace {

using nlohmann::json;
using Spellings = std::vector<std::pair<std::string, int64_t>>;  // of tokens, and their ids
// By spelling, whose memory is that of the Spellings.
using IdOf = ska::flat_hash_map<std::string_view, int32_t>;

constexpr const char* kVocabulary = "vocab.json";
constexpr const char* kMerges = "merges.txt";
constexpr const char* kConfig = "tokenizer_config.json";
constexpr const char* kWhole = "tokenizer.json";

json read_object(const std::filesystem::path& file) {
  json value = io::parse_json(io::read_text(file), file.string());
  if (!value.is_object()) throw DataError(file.string(), ": expected a JSON object");
  return value;
}

bool flag(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

std::string text_of(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// Ids must be 0 .. n-1, each once, and every token spelled in the byte alphabet. All bytes have a
// token, or there is none at all: a tokenizer without text.
IdOf parse_vocabulary(const Spellings& vocabulary, const std::string& file,
                      std::vector<std::string>& pieces) {
  const ByteAlphabet alphabet;
  IdOf id_of;
  id_of.reserve(vocabulary.size());
  pieces.assign(vocabulary.size(), "");
  std::vector<bool> seen(vocabulary.size());
  for (const auto& [spelling, id] : vocabulary) {
    if (id < 0 || id >= static_cast<int64_t>(pieces.size()) || seen[static_cast<size_t>(id)]) {
      throw DataError(file, ": token ", spelling, " has id ", id, "; expected every id from 0 to ",
                      pieces.size() - 1, " once");
    }
    seen[static_cast<size_t>(id)] = true;
    std::optional<std::string> bytes = alphabet.bytes_of(spelling);
    if (!bytes) throw DataError(file, ": token ", spelling, " is not spelled in the byte alphabet");
    pieces[static_cast<size_t>(id)] = std::move(*bytes);
    if (!id_of.emplace(spelling, static_cast<int32_t>(id)).second)
      throw DataError(file, ": token ", spelling, " is listed twice");
  }
  if (vocabulary.empty()) return id_of;
  for (const std::string& byte : alphabet.in_order()) {
    const std::string spelling = alphabet.spell(byte);
    if (id_of.find(spelling) == id_of.end()) {
      throw DataError(file, ": no token for the byte ", int{static_cast<unsigned char>(byte[0])},
                      "; expected a byte-level vocabulary");
    }
  }
  return id_of;
}

// A line of a file (0: none in particular); spelled out only where something is wrong with it.
struct Place {
  const std::string& file;
  int64_t line = 0;
};
std::ostream& operator<<(std::ostream& out, const Place& place) {
  out << place.file;
  return place.line > 0 ? out << ":" << place.line : out;
}

Merge parse_merge(std::string_view left, std::string_view right, const IdOf& id_of,
                  const Place& where) {
  const auto id = [&](std::string_view spelling) {
    const auto found = id_of.find(spelling);
    if (found == id_of.end()) {
      throw DataError(where, ": the token ", spelling, " is not in the vocabulary");
    }
    return found->second;
  };
  std::string joined(left);
  joined += right;
  return {{id(left), id(right)}, id(joined)};
}

Merge parse_merge_line(std::string_view line, const IdOf& id_of, const Place& where) {
  const size_t blank = line.find(' ');
  if (blank == 0 || blank == std::string_view::npos || blank + 1 == line.size() ||
      line.find(' ', blank + 1) != std::string_view::npos) {
    throw DataError(where, ": expected two tokens with one blank between them");
  }
  return parse_merge(line.substr(0, blank), line.substr(blank + 1), id_of, where);
}

std::vector<Merge> parse_merges(std::string_view text, const IdOf& id_of, const std::string& file) {
  std::vector<Merge> merges;
  for (int64_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || (number == 1 && line.starts_with("#version"))) continue;
    merges.push_back(parse_merge_line(line, id_of, {file, number}));
  }
  return merges;
}

AddedToken parse_added(int32_t id, const json& value, const std::string& file) {
  const std::string content = value.is_object() ? text_of(value, "content") : "";
  if (content.empty()) throw DataError(file, ": the added token ", id, " has no content");
  for (const char* unsupported : {"lstrip", "rstrip", "single_word"}) {
    if (flag(value, unsupported)) {
      throw DataError(file, ": the added token ", content, " sets ", unsupported,
                      ", which is not supported");
    }
  }
  return {id, content, flag(value, "special"), flag(value, "normalized")};
}

std::vector<AddedToken> added_of_config(const json& config, const std::string& file) {
  std::vector<AddedToken> added;
  const auto listed = config.find("added_tokens_decoder");
  if (listed == config.end()) return added;
  if (!listed->is_object()) throw DataError(file, ": added_tokens_decoder must be an object");
  for (const auto& [key, value] : listed->items()) {
    int32_t id = -1;
    const auto read = std::from_chars(key.data(), key.data() + key.size(), id);
    if (read.ec != std::errc() || read.ptr != key.data() + key.size() || id < 0) {
      throw DataError(file, ": added_tokens_decoder has the key '", key, "'; expected an id");
    }
    added.push_back(parse_added(id, value, file));
  }
  return added;
}

// Tokens inside the vocabulary must spell their entry; those behind it must leave no hole.
void check_added(std::vector<AddedToken>& added, const TokenizerFiles& files,
                 const std::string& file) {
  std::sort(added.begin(), added.end(),
            [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  auto next = static_cast<int32_t>(files.pieces.size());
  std::set<std::string_view> contents;
  for (const AddedToken& token : added) {
    if (!contents.insert(token.content).second) {
      throw DataError(file, ": the added token ", token.content, " is listed twice");
    }
    if (token.id < static_cast<int32_t>(files.pieces.size())) {
      if (files.pieces[static_cast<size_t>(token.id)] != token.content) {
        throw DataError(file, ": the added token ", token.content, " has id ", token.id,
                        ", which is another token in the vocabulary");
      }
    } else if (token.id != next++) {
      throw DataError(file, ": the added token ", token.content, " has id ", token.id,
                      ", expected ", next - 1, "; ids must follow the vocabulary without holes");
    }
  }
}

void check_class(const json& config, const std::string& file) {
  const std::string name = text_of(config, "tokenizer_class");
  if (name != "Qwen2Tokenizer" && name != "Qwen2TokenizerFast") {
    throw DataError(file, ": the tokenizer class '", name,
                    "' is not supported; expected Qwen2Tokenizer");
  }
  if (flag(config, "add_prefix_space") || flag(config, "add_bos_token")) {
    throw DataError(file, ": add_prefix_space and add_bos_token are not supported");
  }
}

// The end-of-text token is a plain text, or an object with its content.
std::string eos_of(const json& config, const std::string& file) {
  const auto found = config.find("eos_token");
  if (found != config.end() && found->is_object()) return text_of(*found, "content");
  const std::string eos = text_of(config, "eos_token");
  if (eos.empty()) throw DataError(file, ": no eos_token; expected the end-of-text token");
  return eos;
}

// tokenizer.json may describe any tokenizer; accepted is byte-level BPE with a split pattern that
// is known here.
void read_steps(const json& whole, const std::string& file, TokenizerFiles& files) {
  const json& model = whole.at("model");
  if (model.value("type", "") != "BPE" || flag(model, "byte_fallback")) {
    throw DataError(file, ": the model is '", model.value("type", ""),
                    flag(model, "byte_fallback") ? "' with byte fallback (SentencePiece)" : "'",
                    "; supported is byte-level BPE, as Qwen2, Qwen3 and Llama 3 have it");
  }
  const json normalizer = whole.value("normalizer", json());
  files.nfc = !normalizer.is_null();
  if (files.nfc && text_of(normalizer, "type") != "NFC")
    throw DataError(file, ": the normalizer ", normalizer.dump(),
                    " is not supported; expected NFC, or none");
  std::string regex;
  for (const json& step : whole.value("/pre_tokenizer/pretokenizers"_json_pointer, json::array()))
    regex += step.value("/pattern/Regex"_json_pointer, "");
  for (const SplitPattern known : {SplitPattern::qwen2, SplitPattern::llama3}) {
    if (regex != spelled(known)) continue;
    files.pattern = known;
    files.whole_words_first = flag(model, "ignore_merges");
    return;
  }
  throw DataError(file, ": the split pattern '", regex,
                  "' is not known; expected that of Qwen2 or of Llama 3");
}

void read_whole(const std::filesystem::path& path, TokenizerFiles& files) {
  const std::string file = path.string();
  files.whole = read_object(path);
  const json& whole = files.whole;
  try {
    read_steps(whole, file, files);
    const json& model = whole.at("model");
    Spellings vocabulary;
    for (const auto& [spelling, id] : model.at("vocab").items())
      vocabulary.emplace_back(spelling, id.is_number_integer() ? id.get<int64_t>() : -1);
    const IdOf id_of = parse_vocabulary(vocabulary, file, files.pieces);
    for (const json& merge : model.at("merges")) {
      if (merge.is_string()) {
        files.merges.push_back(parse_merge_line(merge.get<std::string>(), id_of, {file}));
      } else {
        const auto pair = merge.get<std::array<std::string, 2>>();
        files.merges.push_back(parse_merge(pair[0], pair[1], id_of, {file}));
      }
    }
    for (const json& token : whole.value("added_tokens", json::array())) {
      files.added.push_back(parse_added(token.at("id").get<int32_t>(), token, file));
    }
  } catch (const json::exception& error) {
    throw DataError(file, ": not the layout of a tokenizer.json: ", error.what());
  }
}

std::string vocabulary_text(const std::vector<std::string>& pieces) {
  const ByteAlphabet alphabet;
  std::string out = "{";
  for (size_t id = 0; id < pieces.size(); ++id) {
    out += c10::str(id == 0 ? "" : ",", json(alphabet.spell(pieces[id])).dump(), ":", id);
  }
  return out + "}\n";
}

std::string merges_text(const TokenizerFiles& files) {
  const ByteAlphabet alphabet;
  std::string out = "#version: 0.2\n";
  for (const Merge& merge : files.merges) {
    out += alphabet.spell(files.pieces[static_cast<size_t>(merge.from.first)]) + " " +
           alphabet.spell(files.pieces[static_cast<size_t>(merge.from.second)]) + "\n";
  }
  return out;
}

json json_of(const AddedToken& token) {
  return {{"content", token.content},       {"lstrip", false},      {"rstrip", false},
          {"normalized", token.normalized}, {"single_word", false}, {"special", token.special}};
}

std::string config_text(const TokenizerFiles& files) {
  json config = files.config;
  json& decoder = config["added_tokens_decoder"] = json::object();
  for (const AddedToken& token : files.added) decoder[std::to_string(token.id)] = json_of(token);
  return config.dump(2) + "\n";
}

std::string whole_text(const TokenizerFiles& files) {
  json whole = files.whole;
  json& added = whole["added_tokens"] = json::array();
  for (const AddedToken& token : files.added) {
    added.push_back(json_of(token));
    added.back()["id"] = token.id;
  }
  return whole.dump(1) + "\n";
}

}  // namespace

TokenizerFiles read_tokenizer_files(const std::filesystem::path& folder) {
  const std::string config_file = (folder / kConfig).string();
  TokenizerFiles files;
  files.config = read_object(config_file);
  files.eos = eos_of(files.config, config_file);
  if (!std::filesystem::exists(folder / kVocabulary) && std::filesystem::exists(folder / kWhole)) {
    read_whole(folder / kWhole, files);
    check_added(files.added, files, (folder / kWhole).string());
    return files;
  }
  check_class(files.config, config_file);
  const std::string vocabulary_file = (folder / kVocabulary).string();
  const Spellings vocabulary =
      io::parse_numbers(io::read_text(folder / kVocabulary), vocabulary_file);
  const IdOf id_of = parse_vocabulary(vocabulary, vocabulary_file, files.pieces);
  files.merges = parse_merges(io::read_text(folder / kMerges), id_of, (folder / kMerges).string());
  files.added = added_of_config(files.config, config_file);
  check_added(files.added, files, config_file);
  return files;
}

void write_tokenizer_files(const std::filesystem::path& folder, const TokenizerFiles& files) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw Error("cannot create ", folder.string(), ": ", error.message());
  if (files.whole.is_null()) {
    io::write_text(folder / kVocabulary, vocabulary_text(files.pieces));
    io::write_text(folder / kMerges, merges_text(files));
  } else {  // says more than the two: split pattern, normalisation
    io::write_text(folder / kWhole, whole_text(files));
  }
  io::write_text(folder / kConfig, config_text(files));
}

}  // namespace tsrec::text
