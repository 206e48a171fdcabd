#include "text/word_piece.hpp"

#include "text/unicode.hpp"

namespace tsrec::text {

WordPiece::WordPiece(const Step& step, const std::string& file)
    : vocabulary_(read_vocabulary(step, file)),
      continuing_prefix_(step.text("continuing_subword_prefix", "##")),
      unknown_(vocabulary_.id_of(step.text("unk_token", "[UNK]"), file, "unk_token")),
      longest_word_(step.has("max_input_chars_per_word") ? step.number("max_input_chars_per_word")
                                                         : 100) {}

void WordPiece::encode(std::string_view word, std::vector<int32_t>& out) const {
  cache_.append(word, out, [this](std::string_view fresh) { return ids_of(fresh); });
}

std::vector<int32_t> WordPiece::ids_of(std::string_view word) const {
  int64_t characters = 0;
  for (const char c : word) characters += is_continuation(c) ? 0 : 1;
  if (characters > longest_word_) return {unknown_};
  std::vector<int32_t> ids;
  for (size_t begin = 0; begin < word.size();) {
    const std::string prefix = begin > 0 ? continuing_prefix_ : "";
    std::optional<int32_t> id;
    size_t end = word.size();
    while (end > begin) {
      id = vocabulary_.find(prefix + std::string(word.substr(begin, end - begin)));
      if (id) break;
      do --end;
      while (end > begin && is_continuation(word[end]));
    }
    if (!id) return {unknown_};  // one part that is unknown makes the word unknown
    ids.push_back(*id);
    begin = end;
  }
  return ids;
}

}  // namespace tsrec::text
