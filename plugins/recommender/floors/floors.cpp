// Floors: what counting alone reaches. Every list is filled up with popular items.
#include "tsrec/parts/recommender.hpp"

namespace {

using namespace tsrec;

// Items by target count, the most frequent first; ties and the rest by first occurrence as a
// target, then by number.
torch::Tensor popular_items(const Dataset& data) {
  const int64_t count = data.items.size();
  std::vector<int64_t> times(static_cast<size_t>(count), 0),
      first(static_cast<size_t>(count), std::numeric_limits<int64_t>::max());
  for (int64_t row = 0; row < data.train.size(); ++row) {
    const auto target = static_cast<size_t>(data.train.target(row));
    ++times[target];
    first[target] = std::min(first[target], row);
  }
  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    const auto key = [&](int64_t item) {
      return std::tuple(-times[static_cast<size_t>(item)], first[static_cast<size_t>(item)], item);
    };
    return key(a) < key(b);
  });
  return torch::tensor(order, torch::kInt64);
}

// Candidates with their scores, then popular items, until the list is full; nothing twice. Those
// that are to stand `behind` all others come last, in the same order.
class ListWriter {
 public:
  ListWriter(int64_t rows, int64_t width, const torch::Tensor& popular_N) : popular_N_(popular_N) {
    rankings_.item_SM = torch::full({rows, width}, -1, torch::kInt64);
    rankings_.score_SM = torch::zeros({rows, width});
  }
  void write(int64_t row, const std::vector<std::pair<double, int64_t>>& scored,
             std::span<const int64_t> behind) {
    const int64_t width = rankings_.item_SM.size(1);
    int64_t* item = rankings_.item_SM.mutable_data_ptr<int64_t>() + row * width;
    float* score = rankings_.score_SM.mutable_data_ptr<float>() + row * width;
    int64_t filled = 0;
    const auto add = [&](int64_t candidate, double value) {
      if (filled == width || std::find(item, item + filled, candidate) != item + filled) return;
      item[filled] = candidate;
      score[filled++] = static_cast<float>(value);
    };
    const int64_t* popular = popular_N_.const_data_ptr<int64_t>();
    const auto is_behind = [&](int64_t candidate) {
      return std::find(behind.begin(), behind.end(), candidate) != behind.end();
    };
    for (const auto& [value, candidate] : scored) {
      if (!is_behind(candidate)) add(candidate, value);
    }
    for (int64_t p = 0; p < popular_N_.size(0) && filled < width; ++p) {
      if (!is_behind(popular[p])) add(popular[p], -static_cast<double>(p) - 1);
    }
    constexpr double kLast = std::numeric_limits<float>::lowest();
    for (const auto& [value, candidate] : scored) add(candidate, kLast);
    for (int64_t p = 0; p < popular_N_.size(0) && filled < width; ++p) add(popular[p], kLast);
  }
  Rankings rankings() const { return rankings_; }

 private:
  const torch::Tensor& popular_N_;
  Rankings rankings_;
};

class Floor : public Recommender {
 public:
  void fit(const RecommenderInputs& inputs, Context&) override {
    if (inputs.data.train.size() == 0)
      throw DataError(
          "the floors count training rows, and the train split has none; give the source some, or "
          "leave out [[recommender]]");
    popular_N_ = popular_items(inputs.data);
  }
  Rankings rank(const Samples& samples, int64_t num_candidates, Context&) override {
    ListWriter writer(samples.size(), std::min(num_candidates, popular_N_.size(0)), popular_N_);
    for (int64_t row = 0; row < samples.size(); ++row)
      writer.write(row, scored(samples.history(row)), behind(samples.history(row)));
    return writer.rankings();
  }
  void save(ArtifactWriter& writer) const override { writer.tensor("popular_N", popular_N_); }
  void load(const ArtifactReader& reader) override { popular_N_ = reader.tensor("popular_N"); }

 protected:
  virtual std::vector<std::pair<double, int64_t>> scored(
      std::span<const int64_t> history) const = 0;
  // What of the history stands behind all other items.
  virtual std::span<const int64_t> behind(std::span<const int64_t>) const { return {}; }

 private:
  torch::Tensor popular_N_;
};

class Popularity final : public Floor {
 public:
  Popularity(const NoSettings&, Context&) {}

 protected:
  std::vector<std::pair<double, int64_t>> scored(std::span<const int64_t>) const override {
    return {};
  }
};

struct RepeatLastSettings {
  int64_t items = 0;
  void declare(Options& o) {
    o.add("items", items)
        .at_least(0)
        .unit("items")
        .help("the newest so many items of the history; 0: all; 1: only the last");
  }
};

class RepeatLast final : public Floor {
 public:
  RepeatLast(const RepeatLastSettings& settings, Context&) : settings_(settings) {}

 protected:
  std::vector<std::pair<double, int64_t>> scored(std::span<const int64_t> history) const override {
    std::vector<std::pair<double, int64_t>> newest_first;
    const auto most = static_cast<size_t>(settings_.items);
    if (most > 0 && most < history.size()) history = history.last(most);
    for (auto item = history.rbegin(); item != history.rend(); ++item) {
      newest_first.emplace_back(1 / (1 + static_cast<double>(newest_first.size())), *item);
    }
    return newest_first;
  }

 private:
  RepeatLastSettings settings_;
};

struct MarkovSettings {
  double decay = 0.5;
  std::string count = "target", ties = "number";
  bool repeats = true;
  void declare(Options& o) {
    o.add("decay", decay)
        .range(0, 1)
        .help(
            "weight of an item relative to the one bought after it; 0: only the last item counts");
    o.add("count", count)
        .one_of({"target", "pairs"})
        .help(
            "what c counts in a training row. target: its last item and its target; pairs: all "
            "neighbours in its history and target, so that the pairs of a long history count "
            "again in each row that begins with it");
    o.add("ties", ties)
        .one_of({"number", "first"})
        .help(
            "which of equal scores comes first. number: the lower item number; first: what "
            "followed the newer item of the history, then what was counted first");
    o.add("repeats", repeats)
        .came_later()
        .help(
            "items of the history compete for places like all others; false: they stand behind all "
            "others");
  }
};

// score(b) = sum_j decay^j c(a_j -> b) / (c(a_j -> .) + 1), a_0 the newest item; c counts what
// followed what in the training rows.
class Markov final : public Floor {
 public:
  Markov(const MarkovSettings& settings, Context&) : settings_(settings) {}

  void fit(const RecommenderInputs& inputs, Context& context) override {
    Floor::fit(inputs, context);
    struct Counted {
      int64_t times = 0, first = 0;  // first: its place among all pairs by their first occurrence
    };
    std::map<std::pair<int64_t, int64_t>, Counted> count;
    const auto add = [&](int64_t item, int64_t next) {
      const auto place = static_cast<int64_t>(count.size());
      ++count.try_emplace({item, next}, Counted{0, place}).first->second.times;
    };
    for (int64_t row = 0; row < inputs.data.train.size(); ++row) {
      const auto history = inputs.data.train.history(row);
      if (history.empty()) continue;
      if (settings_.count == "pairs") {
        for (size_t h = 0; h + 1 < history.size(); ++h) add(history[h], history[h + 1]);
      }
      add(history.back(), inputs.data.train.target(row));
    }
    std::vector<std::array<int64_t, 4>> entries;  // item, its order, next item, times
    for (const auto& [pair, counted] : count) {
      const auto& [item, next] = pair;
      entries.push_back(
          {item, settings_.ties == "first" ? counted.first : next, next, counted.times});
    }
    std::sort(entries.begin(), entries.end());
    transition_C3_ = torch::empty({static_cast<int64_t>(entries.size()), 3}, torch::kInt64);
    int64_t* out = transition_C3_.mutable_data_ptr<int64_t>();
    for (const auto& [item, order, next, times] : entries) {
      *out++ = item;
      *out++ = next;
      *out++ = times;
    }
    index();
  }
  void save(ArtifactWriter& writer) const override {
    Floor::save(writer);
    writer.tensor("transition_C3", transition_C3_);
  }
  void load(const ArtifactReader& reader) override {
    Floor::load(reader);
    transition_C3_ = reader.tensor("transition_C3");
    index();
  }

 protected:
  std::vector<std::pair<double, int64_t>> scored(std::span<const int64_t> history) const override {
    std::vector<std::pair<double, int64_t>> list;
    std::unordered_map<int64_t, size_t> place;  // of an item in the list
    double weight = 1;
    for (auto item = history.rbegin(); item != history.rend() && weight > 0;
         ++item, weight *= settings_.decay) {
      const auto found = followers_.find(*item);
      if (found == followers_.end()) continue;
      for (const auto& [next, times] : found->second.counts) {
        const auto [at, is_new] = place.try_emplace(next, list.size());
        if (is_new) list.emplace_back(0, next);
        list[at->second].first += weight * times / (found->second.total + 1);
      }
    }
    const bool by_number = settings_.ties == "number";
    std::stable_sort(list.begin(), list.end(), [&](const auto& a, const auto& b) {
      if (a.first != b.first) return a.first > b.first;
      return by_number && a.second < b.second;
    });
    return list;
  }
  std::span<const int64_t> behind(std::span<const int64_t> history) const override {
    return settings_.repeats ? std::span<const int64_t>() : history;
  }

 private:
  struct Followers {
    std::vector<std::pair<int64_t, double>> counts;  // in the order of their ties
    double total = 0;
  };
  void index() {
    followers_.clear();
    const int64_t* entry = transition_C3_.const_data_ptr<int64_t>();
    for (int64_t c = 0; c < transition_C3_.size(0); ++c, entry += 3) {
      Followers& followers = followers_[entry[0]];
      followers.counts.emplace_back(entry[1], static_cast<double>(entry[2]));
      followers.total += static_cast<double>(entry[2]);
    }
  }

  MarkovSettings settings_;
  torch::Tensor transition_C3_;  // (item, next item, how often), by item
  std::map<int64_t, Followers> followers_;
};

}  // namespace

TSREC_PLUGIN("tsrec.floors", "0.1.0",
             tsrec::part<tsrec::Recommender, Popularity, tsrec::NoSettings>(
                 "popularity", /*revision=*/1, "The most frequent targets"),
             tsrec::part<tsrec::Recommender, RepeatLast, RepeatLastSettings>(
                 "repeat_last", /*revision=*/1, "The history again, newest first"),
             tsrec::part<tsrec::Recommender, Markov, MarkovSettings>(
                 "markov", /*revision=*/1, "What others took after the items of the history"))
