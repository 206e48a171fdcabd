#include "text/bpe_trainer.hpp"

#include <algorithm>
#include <optional>
#include <queue>

#include "text/byte_alphabet.hpp"

namespace tsrec::text {
namespace {

constexpr int64_t kLeastCount = 2;  // a pair that occurs once teaches nothing

struct Word {
  std::vector<int32_t> ids;
  int64_t count;
};

struct CountedPair {
  int64_t count;
  Pair pair;
};

// Larger count first; of equal counts the smaller pair.
struct Worse {
  bool operator()(const CountedPair& a, const CountedPair& b) const {
    return a.count != b.count ? a.count < b.count : a.pair > b.pair;
  }
};

class Trainer {
 public:
  Trainer(const std::unordered_map<std::string, int64_t>& word_counts, size_t size) : size_(size) {
    result_.pieces = ByteAlphabet().in_order();
    for (size_t id = 0; id < result_.pieces.size(); ++id) {
      id_of_[result_.pieces[id]] = static_cast<int32_t>(id);
    }
    for (const auto& [text, count] : word_counts) add_word(text, count);
    for (const auto& [pair, facts] : pairs_) queue_.push({facts.count, pair});
  }

  TrainedBpe run() {
    while (result_.pieces.size() < size_) {
      const auto best = take_best();
      if (!best) break;
      merge(*best);
    }
    return std::move(result_);
  }

 private:
  struct Facts {
    int64_t count = 0;
    std::vector<size_t> words;  // where the pair occurred once; may be out of date
  };

  void add_word(const std::string& text, int64_t count) {
    Word word{{}, count};
    for (const char c : text) word.ids.push_back(id_of_.at(std::string(1, c)));
    const size_t index = words_.size();
    for (size_t i = 1; i < word.ids.size(); ++i) add({word.ids[i - 1], word.ids[i]}, count, index);
    words_.push_back(std::move(word));
  }

  void add(const Pair& pair, int64_t count, size_t word) {
    Facts& facts = pairs_[pair];
    facts.count += count;
    if (facts.words.empty() || facts.words.back() != word) facts.words.push_back(word);
  }

  void remove(const Pair& pair, int64_t count) { pairs_[pair].count -= count; }

  // Counts in the queue may be out of date, but never too low: only new pairs grow, and they are
  // queued after they have grown.
  std::optional<Pair> take_best() {
    while (!queue_.empty()) {
      const CountedPair top = queue_.top();
      queue_.pop();
      const auto found = pairs_.find(top.pair);
      const int64_t count = found == pairs_.end() ? 0 : found->second.count;
      if (count < kLeastCount) continue;
      if (count == top.count) return top.pair;
      queue_.push({count, top.pair});
    }
    return std::nullopt;
  }

  // Two different pairs may spell one piece ("a"+"bc", "ab"+"c"); the piece keeps its first id.
  int32_t id_of_piece(const Pair& pair) {
    const std::string piece = result_.pieces[static_cast<size_t>(pair.first)] +
                              result_.pieces[static_cast<size_t>(pair.second)];
    const auto [found, is_new] =
        id_of_.try_emplace(piece, static_cast<int32_t>(result_.pieces.size()));
    if (is_new) result_.pieces.push_back(piece);
    return found->second;
  }

  void merge(const Pair& pair) {
    const int32_t to = id_of_piece(pair);
    result_.merges.push_back({pair, to});
    std::vector<size_t> where = std::move(pairs_[pair].words);
    std::sort(where.begin(), where.end());
    where.erase(std::unique(where.begin(), where.end()), where.end());
    grown_.clear();
    for (const size_t index : where) merge_in_word(index, pair, to);
    pairs_.erase(pair);
    std::sort(grown_.begin(), grown_.end());
    grown_.erase(std::unique(grown_.begin(), grown_.end()), grown_.end());
    for (const Pair& other : grown_) queue_.push({pairs_[other].count, other});
  }

  // Each replacement (left, a, b, right) -> (left, to, right) changes the counts of its own pairs
  // only, so the counts stay those of the words as they are now.
  void merge_in_word(size_t index, const Pair& pair, int32_t to) {
    Word& word = words_[index];
    size_t filled = 0;
    for (size_t i = 0; i < word.ids.size(); ++i) {
      const bool here =
          i + 1 < word.ids.size() && word.ids[i] == pair.first && word.ids[i + 1] == pair.second;
      if (!here) {
        word.ids[filled++] = word.ids[i];
        continue;
      }
      remove(pair, word.count);
      if (filled > 0)
        replace({word.ids[filled - 1], pair.first}, {word.ids[filled - 1], to}, index);
      if (i + 2 < word.ids.size()) {
        replace({pair.second, word.ids[i + 2]}, {to, word.ids[i + 2]}, index);
      }
      word.ids[filled++] = to;
      ++i;
    }
    word.ids.resize(filled);
  }

  void replace(const Pair& before, const Pair& after, size_t word) {
    remove(before, words_[word].count);
    add(after, words_[word].count, word);
    grown_.push_back(after);
  }

  size_t size_;
  TrainedBpe result_;
  std::unordered_map<std::string, int32_t> id_of_;
  std::vector<Word> words_;
  std::unordered_map<Pair, Facts, PairHash> pairs_;
  std::priority_queue<CountedPair, std::vector<CountedPair>, Worse> queue_;
  std::vector<Pair> grown_;
};

}  // namespace

TrainedBpe train_bpe(const std::unordered_map<std::string, int64_t>& word_counts, size_t size) {
  return Trainer(word_counts, size).run();
}

}  // namespace tsrec::text
