// Keywords of a SID token by class-based TF-IDF (Grootendorst, 2022): a class is the text of all
// items with the token.
#include "tsrec/parts/extractor.hpp"
#include "tsrec/text/words.hpp"

namespace {

using namespace tsrec;

struct Settings {
  int64_t keywords = 20;
  bool bigrams = true;
  std::vector<std::string> columns = {"title", "description"}, exclude = {"brand"};

  void declare(Options& o) {
    o.add("keywords", keywords).range(1, 1000).help("keywords of a token, the most telling first");
    o.add("bigrams", bigrams).help("pairs of neighbouring words can be keywords");
    o.add("columns", columns).help("item columns that are read");
    o.add("exclude", exclude)
        .help(
            "columns whose words are never keywords: a brand says nothing about the kind of item");
  }
};

const std::set<std::string, std::less<>>& stop_words() {
  static const std::set<std::string, std::less<>> words = {
      "a",    "about", "after", "all",   "also",  "an",    "and",  "any",  "are",   "as",
      "at",   "be",    "been",  "but",   "by",    "can",   "do",   "each", "for",   "from",
      "get",  "has",   "have",  "he",    "her",   "his",   "how",  "if",   "in",    "into",
      "is",   "it",    "its",   "made",  "may",   "more",  "most", "no",   "not",   "of",
      "on",   "one",   "only",  "or",    "other", "our",   "out",  "over", "per",   "so",
      "some", "such",  "than",  "that",  "the",   "their", "them", "then", "there", "these",
      "they", "this",  "those", "to",    "too",   "up",    "use",  "used", "was",   "we",
      "were", "what",  "when",  "which", "while", "who",   "will", "with", "you",   "your"};
  return words;
}

// A word, or two that stand side by side.
struct Term {
  text::Word first;
  std::optional<text::Word> second = std::nullopt;

  std::string text() const { return second ? text::joined(first, *second) : first.text; }
  bool operator<(const Term& other) const { return order() < other.order(); }

 private:
  std::tuple<std::string_view, std::string_view, bool> order() const {
    if (!second) return {first.text, "", false};
    return {first.text, second->text, second->overlaps};
  }
};

using Counts = std::map<Term, double>;

struct Piece {
  text::Word word;
  bool is_joined = false;
};

// Where words have no blanks between them, their pairs of characters that never stand apart in the
// catalogue are pieces of one word.
class Unbroken {
 public:
  void count(std::string_view text) {
    if (is_ascii(text)) return;  // no such pairs
    const std::vector<text::Word> words = text::words_of(text);
    for (size_t w = 0; w < words.size(); ++w) {
      if (is_ascii(words[w].text)) continue;
      ++words_[words[w].text];
      if (words[w].overlaps) ++neighbours_[text::joined(words[w - 1], words[w])];
    }
  }

  std::vector<Piece> joined(std::vector<text::Word> words) const {
    std::vector<Piece> pieces;
    for (size_t begin = 0; begin < words.size();) {
      size_t end = begin + 1;
      while (end < words.size() && stand_together(words[end - 1], words[end])) ++end;
      if (end - begin > 1 && end - begin < kMostCharacters) {
        for (size_t w = begin + 1; w < end; ++w)
          words[begin].text = text::joined(words[begin], words[w]);
        pieces.push_back({std::move(words[begin]), /*is_joined=*/true});
      } else {
        for (size_t w = begin; w < end; ++w) pieces.push_back({std::move(words[w])});
      }
      begin = end;
    }
    return pieces;
  }

 private:
  // What is longer is a sentence that items share.
  static constexpr size_t kMostCharacters = 7;

  static bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  }

  bool stand_together(const text::Word& before, const text::Word& word) const {
    if (!word.overlaps) return false;
    const auto times = [](const auto& counts, const std::string& text) {
      const auto found = counts.find(text);
      return found == counts.end() ? 0 : found->second;
    };
    const int64_t together = times(neighbours_, text::joined(before, word));
    return together > 1 && together == times(words_, before.text) &&
           together == times(words_, word.text);
  }

  std::unordered_map<std::string, int64_t> words_, neighbours_;
};

// Terms of one item: words that may be keywords, and pairs of such words that stand side by side.
class Terms {
 public:
  Terms(const Items& items, const Settings& settings) : items_(items), settings_(settings) {
    for (int64_t item = 0; item < items.size(); ++item) {
      for (const std::string& column : settings.exclude) {
        for (text::Word& word : text::words_of(items.text(column, item)))
          excluded_.insert(std::move(word.text));
      }
      for (const std::string& column : settings.columns) unbroken_.count(items.text(column, item));
    }
  }

  void add(int64_t item, Counts& counts, double& total) const {
    for (const std::string& column : settings_.columns) {
      std::optional<text::Word> before;
      for (const auto& [word, is_joined] :
           unbroken_.joined(text::words_of(items_.text(column, item)))) {
        if (!may_be_keyword(word.text)) {
          before.reset();
          continue;
        }
        ++counts[{word}];
        ++total;
        if (settings_.bigrams && before && !is_joined) ++counts[{*before, word}];
        before = is_joined ? std::nullopt : std::optional(word);
      }
    }
  }

 private:
  bool may_be_keyword(const std::string& word) const {
    return !stop_words().contains(word) && !text::is_number(word) && !excluded_.contains(word);
  }

  const Items& items_;
  const Settings& settings_;
  std::set<std::string> excluded_;
  Unbroken unbroken_;
};

struct Weighted {
  Term term;
  double weight = 0;
};

// Best first. A pair of words replaces its words when they weigh less, and so does one of words
// that overlap; the other pairs that share characters with it are broken pieces of it.
std::vector<std::string> top_terms(const std::vector<Weighted>& ranked, int64_t count) {
  std::vector<std::string> chosen;
  std::set<std::string> covered;
  for (const auto& [term, weight] : ranked) {
    if (static_cast<int64_t>(chosen.size()) == count) break;
    const bool is_piece = term.second && term.second->overlaps;
    if ((!term.second || is_piece) && covered.contains(term.first.text)) continue;
    if (is_piece && covered.contains(term.second->text)) continue;
    chosen.push_back(term.text());
    if (!term.second) continue;
    covered.insert(term.first.text);
    covered.insert(term.second->text);
  }
  return chosen;
}

std::string listed(const std::vector<std::string>& terms, size_t begin, size_t end) {
  std::string text;
  for (size_t t = begin; t < std::min(end, terms.size()); ++t) {
    if (t > begin) text += t + 1 == std::min(end, terms.size()) ? " and " : ", ";
    text += terms[t];
  }
  return text;
}

std::string described(const std::vector<std::string>& keywords) {
  std::string text = "This group covers items about " + listed(keywords, 0, 3) + ".";
  if (keywords.size() > 3) text += " Typical are " + listed(keywords, 3, 8) + ".";
  if (keywords.size() > 8) text += " Related are " + listed(keywords, 8, 12) + ".";
  return text;
}

class CtfIdf final : public Extractor {
 public:
  CtfIdf(const Settings& settings, Context&) : settings_(settings) {}

  std::vector<TokenNote> extract(const std::vector<TokenCluster>& clusters, const Items& items,
                                 Context& context) override {
    const Terms terms(items, settings_);
    std::vector<TokenNote> notes;
    int64_t without = 0;
    for (size_t begin = 0; begin < clusters.size();) {  // one model per level
      size_t end = begin;
      while (end < clusters.size() && clusters[end].level == clusters[begin].level) ++end;
      for (TokenNote& note : level_notes(std::span(clusters).subspan(begin, end - begin), terms)) {
        if (note.keywords.empty()) {
          ++without;
        } else {
          notes.push_back(std::move(note));
        }
      }
      begin = end;
    }
    if (without > 0)
      context.log(Level::warning,
                  c10::str("ctfidf: ", without, " tokens have items without any usable word"));
    return notes;
  }

 private:
  // W(t, s) = tf(t, s) / |s| ln(1 + A / f(t)): A = mean class length, f(t) = count of t over the
  // classes.
  std::vector<TokenNote> level_notes(std::span<const TokenCluster> clusters,
                                     const Terms& terms) const {
    std::vector<Counts> counts(clusters.size());
    std::vector<double> length(clusters.size(), 0);
    Counts frequency;
    for (size_t s = 0; s < clusters.size(); ++s) {
      for (const int64_t item : clusters[s].items) terms.add(item, counts[s], length[s]);
      for (const auto& [term, count] : counts[s]) frequency[term] += count;
    }
    const double mean_length =
        std::accumulate(length.begin(), length.end(), 0.0) / static_cast<double>(clusters.size());
    std::vector<TokenNote> notes;
    for (size_t s = 0; s < clusters.size(); ++s) {
      std::vector<Weighted> ranked;
      for (const auto& [term, count] : counts[s]) {
        ranked.push_back({term, count / length[s] * std::log(1 + mean_length / frequency[term])});
      }
      std::stable_sort(ranked.begin(), ranked.end(), [](const Weighted& a, const Weighted& b) {
        if (a.weight != b.weight) return a.weight > b.weight;
        return a.term.second && !b.term.second;  // a pair says more than a word
      });
      TokenNote& note = notes.emplace_back();
      note.token = clusters[s].token;
      note.keywords = top_terms(ranked, settings_.keywords);
      if (!note.keywords.empty()) note.description = described(note.keywords);
    }
    return notes;
  }

  Settings settings_;
};

}  // namespace

TSREC_PLUGIN("tsrec.ctfidf", "0.1.0",
             tsrec::part<tsrec::Extractor, CtfIdf, Settings>(
                 "ctfidf", /*revision=*/2,
                 "Keywords by class-based TF-IDF, and a description made of them"))
