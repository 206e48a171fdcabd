#include "text/tokenizer_files.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "io/json.hpp"
#include "text/byte_alphabet.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::text {
namespace {

using nlohmann::json;

constexpr const char* kVocabulary = "vocab.json";
constexpr const char* kMerges = "merges.txt";
constexpr const char* kConfig = "tokenizer_config.json";
constexpr const char* kWhole = "tokenizer.json";
// Older folders name the control tokens here.
constexpr const char* kSpecial = "special_tokens_map.json";

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

AddedToken parse_added(int32_t id, const json& value, const std::string& file) {
  const std::string content = value.is_object() ? text_of(value, "content") : "";
  if (content.empty()) throw DataError(file, ": the added token ", id, " has no content");
  return {id,
          content,
          flag(value, "special"),
          flag(value, "normalized"),
          flag(value, "lstrip"),
          flag(value, "rstrip"),
          flag(value, "single_word")};
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
void check_added(TokenizerFiles& files, const std::string& file) {
  const std::vector<std::string>& pieces = files.pipeline.model->pieces();
  const bool is_byte_level = files.pipeline.pre_tokenizer.is_byte_level();
  const ByteAlphabet alphabet;
  std::sort(files.added.begin(), files.added.end(),
            [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  auto next = static_cast<int32_t>(pieces.size());
  std::set<std::string_view> contents;
  for (const AddedToken& token : files.added) {
    if (!contents.insert(token.content).second) {
      throw DataError(file, ": the added token ", token.content, " is listed twice");
    }
    if (token.id >= 0 && token.id < static_cast<int32_t>(pieces.size())) {
      const std::string& piece = pieces[static_cast<size_t>(token.id)];
      if (piece != token.content && !(is_byte_level && alphabet.spell(piece) == token.content)) {
        throw DataError(file, ": the added token ", token.content, " has id ", token.id,
                        ", which is another token in the vocabulary");
      }
    } else if (token.id != next++) {
      throw DataError(file, ": the added token ", token.content, " has id ", token.id,
                      ", expected ", next - 1, "; ids must follow the vocabulary without holes");
    }
  }
}

// A control token is a plain text, or an object with its content.
std::string control_token(const json& config, const char* name) {
  const auto found = config.find(name);
  if (found != config.end() && found->is_object()) return text_of(*found, "content");
  return text_of(config, name);
}

// What ends a text: eos_token, or sep_token where a text is one of two segments (BERT).
std::string read_eos(const std::filesystem::path& folder, const json& config) {
  const json special =
      std::filesystem::exists(folder / kSpecial) ? read_object(folder / kSpecial) : json::object();
  for (const char* name : {"eos_token", "sep_token"}) {
    for (const json* said : {&config, &special}) {
      const std::string token = control_token(*said, name);
      if (!token.empty()) return token;
    }
  }
  throw DataError((folder / kConfig).string(), ": no eos_token; expected the end-of-text token");
}

// As transformers does, a control token that is in the vocabulary alone is looked for in texts too.
void make_eos_an_added_token(TokenizerFiles& files, const std::string& file) {
  const auto is_eos = [&](const AddedToken& token) { return token.content == files.eos; };
  if (std::any_of(files.added.begin(), files.added.end(), is_eos)) return;
  const std::vector<std::string>& pieces = files.pipeline.model->pieces();
  const auto found = std::find(pieces.begin(), pieces.end(), files.eos);
  if (found == pieces.end()) {
    throw DataError(file, ": the eos_token ", files.eos,
                    " is neither among the added tokens nor in the vocabulary");
  }
  AddedToken eos;
  eos.id = static_cast<int32_t>(found - pieces.begin());
  eos.content = files.eos;
  eos.special = true;
  files.added.push_back(std::move(eos));
}

// tokenizer.json says everything; tokenizer_config.json may list further added tokens.
void read_whole(const std::filesystem::path& path, TokenizerFiles& files) {
  const std::string file = path.string();
  files.kept.whole = read_object(path);
  const json& whole = files.kept.whole;
  try {
    files.pipeline = read_pipeline(whole, file);
    for (const json& token : whole.value("added_tokens", json::array()))
      files.added.push_back(parse_added(token.at("id").get<int32_t>(), token, file));
  } catch (const json::exception& error) {
    throw DataError(file, ": not the layout of a tokenizer.json: ", error.what());
  }
  std::set<std::string> contents;
  for (const AddedToken& token : files.added) contents.insert(token.content);
  for (AddedToken& token :
       added_of_config(files.kept.config, (path.parent_path() / kConfig).string())) {
    if (!contents.contains(token.content)) files.added.push_back(std::move(token));
  }
}

// vocab.json and merges.txt do not say how texts are cut; the class of tokenizer_config.json does.
void read_vocabulary_and_merges(const std::filesystem::path& folder, TokenizerFiles& files) {
  const json& config = files.kept.config;
  const std::string config_file = (folder / kConfig).string(),
                    name = text_of(config, "tokenizer_class");
  const std::optional<Pipeline> known = pipeline_of_class(name, nullptr);
  if (!known) {
    throw DataError(config_file, ": the tokenizer class '", name,
                    "' is not supported without a tokenizer.json; expected Qwen2Tokenizer or "
                    "GPT2Tokenizer, or a tokenizer.json beside it");
  }
  if (flag(config, "add_prefix_space") || flag(config, "add_bos_token")) {
    throw DataError(config_file,
                    ": add_prefix_space and add_bos_token are not supported without a "
                    "tokenizer.json");
  }
  files.pipeline = *known;
  const std::string vocabulary_file = (folder / kVocabulary).string();
  files.kept.bpe =
      read_bpe(io::parse_numbers(io::read_text(folder / kVocabulary), vocabulary_file),
               vocabulary_file, io::read_text(folder / kMerges), (folder / kMerges).string());
  files.pipeline.model = files.kept.bpe;
  files.added = added_of_config(config, config_file);
}

std::string vocabulary_text(const std::vector<std::string>& pieces) {
  const ByteAlphabet alphabet;
  std::string out = "{";
  for (size_t id = 0; id < pieces.size(); ++id) {
    out += c10::str(id == 0 ? "" : ",", json(alphabet.spell(pieces[id])).dump(), ":", id);
  }
  return out + "}\n";
}

std::string merges_text(const Bpe& bpe) {
  const ByteAlphabet alphabet;
  std::string out = "#version: 0.2\n";
  for (const Merge& merge : bpe.merges()) {
    out += alphabet.spell(bpe.pieces()[static_cast<size_t>(merge.from.first)]) + " " +
           alphabet.spell(bpe.pieces()[static_cast<size_t>(merge.from.second)]) + "\n";
  }
  return out;
}

json json_of(const AddedToken& token) {
  return {{"content", token.content},         {"lstrip", token.left_strip},
          {"rstrip", token.right_strip},      {"normalized", token.normalized},
          {"single_word", token.single_word}, {"special", token.special}};
}

std::string config_text(json config, const std::vector<AddedToken>& added) {
  json& decoder = config["added_tokens_decoder"] = json::object();
  for (const AddedToken& token : added) decoder[std::to_string(token.id)] = json_of(token);
  return config.dump(2) + "\n";
}

std::string whole_text(json whole, const std::vector<AddedToken>& tokens) {
  json& added = whole["added_tokens"] = json::array();
  for (const AddedToken& token : tokens) {
    added.push_back(json_of(token));
    added.back()["id"] = token.id;
  }
  return whole.dump(1) + "\n";
}

}  // namespace

TokenizerFiles read_tokenizer_files(const std::filesystem::path& folder) {
  const bool has_whole = std::filesystem::exists(folder / kWhole);
  TokenizerFiles files;
  // Beside a tokenizer.json it may be absent; the control tokens then stand in another file.
  files.kept.config = has_whole && !std::filesystem::exists(folder / kConfig)
                          ? json::object()
                          : read_object(folder / kConfig);
  files.eos = read_eos(folder, files.kept.config);
  if (has_whole)
    read_whole(folder / kWhole, files);
  else
    read_vocabulary_and_merges(folder, files);
  const std::string file = (folder / (has_whole ? kWhole : kConfig)).string();
  make_eos_an_added_token(files, file);
  check_added(files, file);
  return files;
}

void write_tokenizer_files(const std::filesystem::path& folder, const KeptFiles& kept,
                           const std::vector<AddedToken>& added) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw Error("cannot create ", folder.string(), ": ", error.message());
  if (kept.whole.is_null()) {
    io::write_text(folder / kVocabulary, vocabulary_text(kept.bpe->pieces()));
    io::write_text(folder / kMerges, merges_text(*kept.bpe));
  } else {
    io::write_text(folder / kWhole, whole_text(kept.whole, added));
  }
  io::write_text(folder / kConfig, config_text(kept.config, added));
}

}  // namespace tsrec::text
