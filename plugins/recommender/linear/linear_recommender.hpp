// What item_knn and ease share: an item's score is a sum over the history of weights between items,
//
//   score(b) = sum_a decay^j(a) w(a, b),
//
// a each distinct item of the history, j(a) how many events lie behind its last one.
#pragma once

#include "tsrec/parts/recommender.hpp"
#include "user_items.hpp"

namespace tsrec::linear {

struct ListSettings {
  double decay = 1;
  bool repeats = false;
  void declare(Options& o);
};

struct Scored {
  double score;
  int64_t item;
};

// The scores of all items for one history; those that nothing was said of are 0.
class Scores {
 public:
  explicit Scores(int64_t num_items)
      : score_N_(static_cast<size_t>(num_items), 0), is_named_N_(static_cast<size_t>(num_items)) {}
  void add(int64_t item, double value) {
    const auto i = static_cast<size_t>(item);
    if (!is_named_N_[i]) named_.push_back(item);
    is_named_N_[i] = 1;
    score_N_[i] += value;
  }
  bool names(int64_t item) const { return is_named_N_[static_cast<size_t>(item)] != 0; }
  bool names_all() const { return named_.size() == score_N_.size(); }
  // The items that something was said of, in that order; afterwards there are none.
  std::vector<Scored> take();

 private:
  std::vector<double> score_N_;
  std::vector<char> is_named_N_;
  std::vector<int64_t> named_;
};

// Items by how many training users have them, the most first; ties by lower number. Lists follow it
// where scores are equal.
class Popularity {
 public:
  Popularity() = default;
  explicit Popularity(torch::Tensor popular_N);
  static Popularity of(const Lists& users_of_items);
  const torch::Tensor& popular_N() const { return popular_N_; }
  int64_t num_items() const { return std::ssize(place_N_); }
  int64_t item_at(int64_t place) const { return popular_N_.const_data_ptr<int64_t>()[place]; }
  bool ranks_before(const Scored& a, const Scored& b) const {
    if (a.score != b.score) return a.score > b.score;
    return place_N_[static_cast<size_t>(a.item)] < place_N_[static_cast<size_t>(b.item)];
  }

 private:
  torch::Tensor popular_N_;
  std::vector<int64_t> place_N_;
};

// The first `count` of them, best first.
void keep_best(std::vector<Scored>& scored, size_t count, const Popularity& popularity);

class LinearRecommender : public Recommender {
 public:
  explicit LinearRecommender(const ListSettings& settings) : settings_(settings) {}
  void fit(const RecommenderInputs& inputs, Context& context) final;
  Rankings rank(const Samples& samples, int64_t num_candidates, Context& context) final;
  void save(ArtifactWriter& writer) const final;
  void load(const ArtifactReader& reader) final;

 protected:
  // The weights between items, of the sets that users have.
  virtual void fit_weights(const Lists& items_of_users, const Lists& users_of_items,
                           Context& context) = 0;
  virtual void save_weights(ArtifactWriter& writer) const = 0;
  virtual void load_weights(const ArtifactReader& reader) = 0;
  // Adds factor * w(item, b) to the score of every b that the item says something of.
  virtual void add_weights(int64_t item, double factor, Scores& scores) const = 0;

  const Popularity& popularity() const { return popularity_; }

 private:
  std::vector<Scored> ranked(std::span<const int64_t> history, size_t width, Scores& scores) const;

  ListSettings settings_;
  Popularity popularity_;
};

}  // namespace tsrec::linear
