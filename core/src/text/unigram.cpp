#include "text/unigram.hpp"

#include <algorithm>

#include "text/byte_spelling.hpp"
#include "text/unicode.hpp"

namespace tsrec::text {
namespace {

// An unknown character is that much less likely than the least likely token.
constexpr double kUnknownPenalty = 10;

uint64_t edge(int32_t node, char byte) {
  return static_cast<uint64_t>(node) << 8 | static_cast<unsigned char>(byte);
}

Vocabulary listed_vocabulary(const Step& step, const std::string& file,
                             std::vector<double>& scores) {
  Spellings spellings;
  const nlohmann::json& list = step.field("vocab");
  if (!list.is_array()) step.refuse("vocab must be a list of tokens and scores");
  for (const nlohmann::json& entry : list) {
    const bool fits =
        entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_number();
    if (!fits) step.refuse(c10::str("vocab[", spellings.size(), "] is no token with its score"));
    spellings.emplace_back(entry[0].get<std::string>(), spellings.size());
    scores.push_back(entry[1].get<double>());
  }
  return Vocabulary(spellings, file);
}

}  // namespace

Unigram::Unigram(const Step& step, const std::string& file)
    : vocabulary_(listed_vocabulary(step, file, scores_)),
      token_at_(1, -1),
      byte_fallback_(step.flag("byte_fallback", false)),
      file_(file) {
  const std::vector<std::string>& pieces = vocabulary_.pieces();
  if (pieces.empty()) step.refuse("vocab is empty");
  if (step.has("unk_id")) {
    const int64_t id = step.number("unk_id");
    if (id < 0 || id >= static_cast<int64_t>(pieces.size()))
      step.refuse(c10::str("unk_id ", id, " is no id of its vocab"));
    unknown_ = static_cast<int32_t>(id);
  }
  unknown_score_ = *std::min_element(scores_.begin(), scores_.end()) - kUnknownPenalty;
  for (size_t id = 0; id < pieces.size(); ++id) {
    int32_t node = 0;
    for (const char c : pieces[id]) {
      const auto [found, is_new] =
          edges_.emplace(edge(node, c), static_cast<int32_t>(token_at_.size()));
      if (is_new) token_at_.push_back(-1);
      node = found->second;
    }
    token_at_[static_cast<size_t>(node)] = static_cast<int32_t>(id);
  }
}

void Unigram::encode(std::string_view word, std::vector<int32_t>& out) const {
  cache_.append(word, out, [this](std::string_view fresh) { return ids_of(fresh); });
}

// Forward through the word: every token that begins where a character does offers a way to its end.
std::vector<Unigram::Arrival> Unigram::best_ways(std::string_view word) const {
  std::vector<Arrival> best(word.size() + 1);
  const auto offer = [&](size_t begin, size_t end, double score, int32_t id) {
    const double total = best[begin].score + score;
    if (best[end].begin == kNowhere || total > best[end].score) best[end] = {total, begin, id};
  };
  for (size_t begin = 0; begin < word.size();) {
    const size_t length = character_at(word, begin).length;
    bool is_known = false;  // the character by itself
    int32_t node = 0;
    for (size_t at = begin; at < word.size(); ++at) {
      const auto next = edges_.find(edge(node, word[at]));
      if (next == edges_.end()) break;
      node = next->second;
      const int32_t id = token_at_[static_cast<size_t>(node)];
      if (id < 0) continue;
      offer(begin, at + 1, scores_[static_cast<size_t>(id)], id);
      is_known = is_known || at + 1 - begin == length;
    }
    if (!is_known) offer(begin, begin + length, unknown_score_, -1);
    begin += length;
  }
  return best;
}

std::vector<int32_t> Unigram::ids_of(std::string_view word) const {
  const std::vector<Arrival> best = best_ways(word);
  std::vector<std::string_view> pieces;  // from the right; neighbours that are unknown are one
  bool was_unknown = false;
  for (size_t end = word.size(); end > 0; end = best[end].begin) {
    const Arrival& way = best[end];
    const bool is_unknown = way.id < 0 || way.id == unknown_;
    const std::string_view piece = word.substr(way.begin, end - way.begin);
    if (is_unknown && was_unknown)
      pieces.back() = word.substr(way.begin, piece.size() + pieces.back().size());
    else
      pieces.push_back(piece);
    was_unknown = is_unknown;
  }
  std::vector<int32_t> ids;
  for (auto piece = pieces.rbegin(); piece != pieces.rend(); ++piece) append(*piece, ids);
  return ids;
}

void Unigram::append(std::string_view piece, std::vector<int32_t>& ids) const {
  if (const auto id = vocabulary_.find(piece)) return ids.push_back(*id);
  if (byte_fallback_) {
    std::vector<int32_t> bytes;
    for (const char c : piece) {
      const auto id = vocabulary_.find(spelled_byte(c));
      if (id) bytes.push_back(*id);
    }
    if (bytes.size() == piece.size()) {
      ids.insert(ids.end(), bytes.begin(), bytes.end());
      return;
    }
  }
  if (!unknown_)
    throw DataError(file_, ": no token for '", piece, "', and the model has no unk_id");
  ids.push_back(*unknown_);
}

}  // namespace tsrec::text
