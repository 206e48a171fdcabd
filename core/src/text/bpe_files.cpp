// BPE models as files spell them: the object "model" of tokenizer.json, and vocab.json with
// merges.txt.
#include <algorithm>
#include <array>

#include "text/bpe.hpp"
#include "text/byte_alphabet.hpp"
#include "text/unicode.hpp"

namespace tsrec::text {
namespace {

using nlohmann::json;

// A line of a file (0: none in particular); spelled out only where something is wrong with it.
struct Place {
  const std::string& file;
  int64_t line = 0;
};
std::ostream& operator<<(std::ostream& out, const Place& place) {
  out << place.file;
  return place.line > 0 ? out << ":" << place.line : out;
}

class MergeReader {
 public:
  // skipped: bytes of the prefix that a right half has and the merged token has not.
  MergeReader(const Vocabulary& vocabulary, size_t skipped)
      : vocabulary_(vocabulary), skipped_(skipped) {}

  Merge pair(std::string_view left, std::string_view right, const Place& where) const {
    const auto id = [&](std::string_view spelling) {
      const auto found = vocabulary_.find(spelling);
      if (!found) throw DataError(where, ": the token ", spelling, " is not in the vocabulary");
      return *found;
    };
    std::string joined(left);
    joined += right.substr(std::min(skipped_, right.size()));
    return {{id(left), id(right)}, id(joined)};
  }

  Merge line(std::string_view text, const Place& where) const {
    const size_t blank = text.find(' ');
    if (blank == 0 || blank == std::string_view::npos || blank + 1 == text.size() ||
        text.find(' ', blank + 1) != std::string_view::npos) {
      throw DataError(where, ": expected two tokens with one blank between them");
    }
    return pair(text.substr(0, blank), text.substr(blank + 1), where);
  }

 private:
  const Vocabulary& vocabulary_;
  size_t skipped_;
};

std::vector<Merge> read_lines(std::string_view text, const MergeReader& reader,
                              const std::string& file) {
  std::vector<Merge> merges;
  for (int64_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || (number == 1 && line.starts_with("#version"))) continue;
    merges.push_back(reader.line(line, {file, number}));
  }
  return merges;
}

std::vector<Merge> read_list(const Step& step, const MergeReader& reader, const std::string& file) {
  std::vector<Merge> merges;
  for (const json& merge : step.field("merges")) {
    if (merge.is_string()) {
      merges.push_back(reader.line(merge.get_ref<const std::string&>(), {file}));
    } else {
      const auto pair = merge.get<std::array<std::string, 2>>();
      merges.push_back(reader.pair(pair[0], pair[1], {file}));
    }
  }
  return merges;
}

// The bytes of every token; what the alphabet cannot spell keeps its own and is remembered.
std::vector<std::string> bytes_of(const std::vector<std::string>& spellings,
                                  std::unordered_set<int32_t>& unspelled) {
  const ByteAlphabet alphabet;
  std::vector<std::string> pieces;
  pieces.reserve(spellings.size());
  for (const std::string& spelling : spellings) {
    std::optional<std::string> bytes = alphabet.bytes_of(spelling);
    if (!bytes) unspelled.insert(static_cast<int32_t>(pieces.size()));
    pieces.push_back(bytes ? std::move(*bytes) : spelling);
  }
  return pieces;
}

}  // namespace

std::shared_ptr<const Bpe> read_bpe(const Step& step, bool is_byte_level, const std::string& file) {
  if (step.has("dropout") && step.field("dropout") != 0.0)
    step.refuse("dropout is not supported; expected null");
  const Vocabulary vocabulary = read_vocabulary(step, file);
  BpeSettings settings;
  settings.is_byte_level = is_byte_level;
  settings.whole_words_first = step.flag("ignore_merges", false);
  settings.byte_fallback = step.flag("byte_fallback", false);
  settings.fuse_unknown = step.flag("fuse_unk", false);
  settings.continuing_prefix = step.text("continuing_subword_prefix", "");
  settings.word_suffix = step.text("end_of_word_suffix", "");
  if (step.has("unk_token"))
    settings.unknown = vocabulary.id_of(step.text("unk_token"), file, "unk_token");
  const bool has_marks = !settings.continuing_prefix.empty() || !settings.word_suffix.empty();
  if (is_byte_level && (has_marks || settings.byte_fallback)) {
    step.refuse(
        "byte_fallback, continuing_subword_prefix and end_of_word_suffix are not supported behind "
        "the pre-tokenizer ByteLevel");
  }
  std::vector<Merge> merges =
      read_list(step, MergeReader(vocabulary, settings.continuing_prefix.size()), file);
  std::vector<std::string> pieces =
      is_byte_level ? bytes_of(vocabulary.pieces(), settings.unspelled) : vocabulary.pieces();
  return std::make_shared<const Bpe>(std::move(pieces), std::move(merges), std::move(settings));
}

std::shared_ptr<const Bpe> read_bpe(const Spellings& spellings, const std::string& vocabulary_file,
                                    std::string_view merges, const std::string& merges_file) {
  const Vocabulary vocabulary(spellings, vocabulary_file);
  BpeSettings settings;
  std::vector<std::string> pieces = bytes_of(vocabulary.pieces(), settings.unspelled);
  return std::make_shared<const Bpe>(std::move(pieces),
                                     read_lines(merges, MergeReader(vocabulary, 0), merges_file),
                                     std::move(settings));
}

}  // namespace tsrec::text
