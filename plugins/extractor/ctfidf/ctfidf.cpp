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

bool is_number(const std::string& word) {
  return std::all_of(word.begin(), word.end(),
                     [](char c) { return std::isdigit(static_cast<unsigned char>(c)); });
}

using Counts = std::map<std::string, double>;

// Terms of one item: words that may be keywords, and pairs of such words that stand side by side.
class Terms {
 public:
  Terms(const Items& items, const Settings& settings) : items_(items), settings_(settings) {
    for (const std::string& column : settings.exclude) {
      for (int64_t item = 0; item < items.size(); ++item) {
        for (std::string& word : text::words_of(items.text(column, item)))
          excluded_.insert(std::move(word));
      }
    }
  }

  void add(int64_t item, Counts& counts, double& total) const {
    for (const std::string& column : settings_.columns) {
      std::string before;
      for (const std::string& word : text::words_of(items_.text(column, item))) {
        const bool may_be_keyword =
            !stop_words().contains(word) && !is_number(word) && !excluded_.contains(word);
        if (may_be_keyword) {
          ++counts[word];
          ++total;
          if (settings_.bigrams && !before.empty()) ++counts[before + ' ' + word];
        }
        before = may_be_keyword ? word : "";
      }
    }
  }

 private:
  const Items& items_;
  const Settings& settings_;
  std::set<std::string> excluded_;
};

struct Weighted {
  std::string term;
  double weight = 0;
};

// Best first. A pair of words replaces its words when they weigh less.
std::vector<std::string> top_terms(const std::vector<Weighted>& ranked, int64_t count) {
  std::vector<std::string> chosen;
  std::set<std::string> covered;
  for (const Weighted& candidate : ranked) {
    if (static_cast<int64_t>(chosen.size()) == count) break;
    if (covered.contains(candidate.term)) continue;
    chosen.push_back(candidate.term);
    const size_t blank = candidate.term.find(' ');
    if (blank != std::string::npos) {
      covered.insert(candidate.term.substr(0, blank));
      covered.insert(candidate.term.substr(blank + 1));
    }
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
        const auto is_word = [](const Weighted& w) {
          return w.term.find(' ') == std::string::npos;
        };
        return a.weight != b.weight ? a.weight > b.weight
                                    : is_word(a) < is_word(b);  // a pair says more than a word
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
                 "ctfidf", /*revision=*/1,
                 "Keywords by class-based TF-IDF, and a description made of them"))
