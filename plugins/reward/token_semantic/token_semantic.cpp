// A miss earns what its tokens mean: the nearer their descriptions, keywords or centroids are to
// those of the target's tokens, the more. TS-Rec names the idea as its future work (section 6):
// token semantics that penalise semantically inconsistent generations.
//
//   r(c, y) = [c = y] + lambda r_sem(c, y),   r_sem(c, y) = sum_l weight_l sim_l(c_l, y_l)
//
// sim_l is 1 for equal tokens, else at most 1 - margin, so that with lambda < 1 a hit earns more
// than whatever else there is.
#include "similarities.hpp"
#include "tsrec/parts/encoder.hpp"
#include "tsrec/parts/reward.hpp"

namespace {

using namespace tsrec;

struct CommonSettings {
  TargetMatch match;
  std::vector<double> weights = {0.5, 0.3, 0.2};
  std::string gate = "none";
  double lambda = 0.3, margin = 0.05, penalty = 0, threshold = 0.1;
  bool shuffled = false;

  void declare(Options& o) {
    match.declare(o);
    o.add("lambda", lambda)
        .range(0, 0.99)
        .help("what a miss with the meaning of the target earns; a hit earns 1 more");
    o.add("weights", weights)
        .range(0, 1)
        .help("what each level counts, one for each; their sum is 1")
        .check([this] {
          const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
          return std::abs(sum - 1) < 1e-6 ? "" : c10::str("weights add up to ", sum, ", not to 1");
        });
    o.add("gate", gate)
        .one_of({"none", "prefix"})
        .help(
            "none: every level counts; prefix: a level counts only where all levels above it are "
            "the target's");
    o.add("margin", margin).range(0, 1).help("tokens that differ are alike by 1 - margin at most");
    o.add("shuffled", shuffled)
        .help(
            "the control: within every level, meanings change hands at random, by the seed; what a "
            "reward gains over this, it gains by meaning");
    o.add("penalty", penalty)
        .range(0, 100)
        .help("what a miss costs whose tokens are unlike those of the history; 0: nothing");
    o.add("threshold", threshold)
        .range(0, 1)
        .help("of penalty: unlike is what r_sem against the history's items is below, in the mean");
  }
};

// Meanings of the tokens, and which of them each cluster has (-1: none is known).
struct Meanings {
  std::unique_ptr<const Similarities> similarities;
  std::vector<int64_t> of_cluster;
};

class TokenReward : public Reward {
 public:
  explicit TokenReward(const CommonSettings& settings) : common_(settings) {}

  void prepare(const RewardInputs& inputs, Context& context) override {
    refuse_other_depth(inputs.sids);
    common_.match.prepare(inputs.sids);
    code_NL_ = inputs.sids.code_NL.contiguous();
    const std::vector<TokenCluster> clusters = token_clusters(inputs.sids);
    Meanings meanings = meanings_of(inputs, clusters, context);
    if (common_.shuffled) shuffle(clusters, meanings.of_cluster, context);
    similarities_ = std::move(meanings.similarities);
    meaning_of_code_.clear();
    for (const int64_t size : inputs.sids.sizes)
      meaning_of_code_.emplace_back(static_cast<size_t>(size), -1);
    for (size_t c = 0; c < clusters.size(); ++c)
      meaning_of_code_[static_cast<size_t>(clusters[c].level)]
                      [static_cast<size_t>(clusters[c].code)] = meanings.of_cluster[c];
  }

  torch::Tensor score(const Rollouts& rollouts) const override {
    if (common_.penalty > 0) rollouts.require_samples("penalty > 0 asks for");
    return common_.match.scores(
        rollouts, /*hit=*/1 + common_.lambda, [&](int64_t prompt, int64_t item, int64_t target) {
          const double earned =
              common_.lambda * alike(item, target, /*gated=*/common_.gate == "prefix");
          const bool costs =
              common_.penalty > 0 && is_unlike(item, rollouts.samples.history(prompt));
          return costs ? earned - common_.penalty : earned;
        });
  }

 protected:
  virtual Meanings meanings_of(const RewardInputs& inputs,
                               const std::vector<TokenCluster>& clusters, Context& context) = 0;

 private:
  void refuse_other_depth(const SidTable& sids) const {
    const auto levels = static_cast<int64_t>(common_.weights.size());
    if (levels == sids.num_levels()) return;
    throw ConfigError("a token reward: weights has ", levels, " entries, and the SIDs have ",
                      sids.num_levels(), " levels; give one for each");
  }

  // Only tokens that have a meaning give it away, to others of their level.
  static void shuffle(const std::vector<TokenCluster>& clusters, std::vector<int64_t>& of_cluster,
                      Context& context) {
    std::map<int64_t, std::vector<size_t>> of_level;
    for (size_t c = 0; c < clusters.size(); ++c) {
      if (of_cluster[c] >= 0) of_level[clusters[c].level].push_back(c);
    }
    const std::vector<int64_t> before = of_cluster;
    for (const auto& [level, members] : of_level) {
      const torch::Tensor other = torch::randperm(static_cast<int64_t>(members.size()),
                                                  context.generator("shuffled meanings", level));
      for (size_t i = 0; i < members.size(); ++i)
        of_cluster[members[i]] =
            before[members[static_cast<size_t>(other[static_cast<int64_t>(i)].item<int64_t>())]];
    }
  }

  // r_sem of two items. Behind the end of a shorter SID both have ended or they are unlike.
  double alike(int64_t a, int64_t b, bool gated) const {
    const int64_t levels = code_NL_.size(1);
    const int64_t* left = code_NL_.const_data_ptr<int64_t>() + a * levels;
    const int64_t* right = code_NL_.const_data_ptr<int64_t>() + b * levels;
    double sum = 0;
    bool is_prefix_equal = true;
    for (int64_t level = 0; level < levels && (is_prefix_equal || !gated); ++level) {
      const bool has_codes = left[level] >= 0 && right[level] >= 0;
      const bool is_equal = left[level] == right[level] && (has_codes || is_prefix_equal);
      sum += common_.weights[static_cast<size_t>(level)] *
             (is_equal    ? 1
              : has_codes ? similarity(level, left[level], right[level])
                          : 0);
      is_prefix_equal = is_prefix_equal && is_equal;
    }
    return sum;
  }

  double similarity(int64_t level, int64_t a, int64_t b) const {
    const std::vector<int64_t>& meaning_of = meaning_of_code_[static_cast<size_t>(level)];
    const int64_t left = meaning_of[static_cast<size_t>(a)],
                  right = meaning_of[static_cast<size_t>(b)];
    if (left < 0 || right < 0) return 0;
    return std::min(1 - common_.margin,
                    similarities_->of(static_cast<size_t>(left), static_cast<size_t>(right)));
  }

  bool is_unlike(int64_t item, std::span<const int64_t> history) const {
    if (history.empty()) return false;
    double sum = 0;
    for (const int64_t seen : history) sum += alike(item, seen, /*gated=*/false);
    return sum / static_cast<double>(history.size()) < common_.threshold;
  }

  CommonSettings common_;
  torch::Tensor code_NL_;
  std::unique_ptr<const Similarities> similarities_;
  std::vector<std::vector<int64_t>> meaning_of_code_;  // by level and code
};

struct SemanticSettings {
  CommonSettings common;
  std::string similarity = "description";
  PartSlot<Encoder> encoder;
  void declare(Options& o) {
    o.add("similarity", similarity)
        .one_of({"description", "keyword"})
        .help(
            "description: the cosine of what the tokens' descriptions say; keyword: the share of "
            "common keywords (Jaccard)");
    o.add_part("encoder", encoder)
        .help(
            "of descriptions, as if each was an item's; without one their words are compared "
            "(TF-IDF)");
    common.declare(o);
  }
};

// By the notes that the extractor wrote down.
class TokenSemantic final : public TokenReward {
 public:
  static constexpr const char* kNeeds = "extractor";
  TokenSemantic(const SemanticSettings& settings, Context&)
      : TokenReward(settings.common), settings_(settings) {}

 protected:
  Meanings meanings_of(const RewardInputs& inputs, const std::vector<TokenCluster>& clusters,
                       Context& context) override {
    std::map<std::string, int64_t> number_of;
    for (const TokenNote& note : inputs.notes)
      number_of.emplace(note.token, static_cast<int64_t>(number_of.size()));
    Meanings meanings;
    int64_t known = 0;
    for (const TokenCluster& cluster : clusters) {
      const auto found = number_of.find(cluster.token);
      meanings.of_cluster.push_back(found == number_of.end() ? -1 : found->second);
      known += found != number_of.end();
    }
    if (known == 0)
      throw DataError("reward 'token_semantic': none of the ", clusters.size(),
                      " tokens has a note; its trainer hands on what an [extractor] wrote down");
    context.log(Level::info, c10::str("token_semantic: ", known, " of ", clusters.size(),
                                      " tokens have a note"));
    meanings.similarities = similarities_of(inputs.notes, context);
    return meanings;
  }

 private:
  std::unique_ptr<const Similarities> similarities_of(const std::vector<TokenNote>& notes,
                                                      Context& context) const {
    if (settings_.similarity == "keyword") {
      if (settings_.encoder)
        throw ConfigError(
            "reward 'token_semantic': an encoder reads descriptions, and similarity = \"keyword\" "
            "compares keywords; leave out one of the two");
      std::vector<std::vector<std::string>> keywords;
      for (const TokenNote& note : notes) keywords.push_back(note.keywords);
      const bool is_any = std::any_of(keywords.begin(), keywords.end(),
                                      [](const auto& of_note) { return !of_note.empty(); });
      if (!is_any)
        throw DataError(
            "reward 'token_semantic': similarity = \"keyword\", and no note has a keyword; set "
            "similarity = \"description\", or use an extractor that gives some");
      return keyword_overlaps(keywords);
    }
    std::vector<std::string> descriptions;
    for (const TokenNote& note : notes) descriptions.push_back(note.description);
    return settings_.encoder ? cosines(encoded(notes, descriptions, context))
                             : tf_idf_cosines(descriptions);
  }

  // An encoder of items reads titles and descriptions.
  torch::Tensor encoded(const std::vector<TokenNote>& notes,
                        const std::vector<std::string>& descriptions, Context& context) const {
    std::vector<std::string> tokens;
    for (const TokenNote& note : notes) tokens.push_back(note.token);
    Items items(tokens);
    items.set("title", std::vector<std::string>(tokens.size()));
    items.set("description", descriptions);
    return settings_.encoder.make(context)->encode({.items = items}, context);
  }

  SemanticSettings settings_;
};

// By the centroids of the items' vectors that the codes stand for.
class TokenCentroid final : public TokenReward {
 public:
  static constexpr const char* kNeeds = "encoder";
  TokenCentroid(const CommonSettings& settings, Context&) : TokenReward(settings) {}

 protected:
  Meanings meanings_of(const RewardInputs& inputs, const std::vector<TokenCluster>& clusters,
                       Context&) override {
    const torch::Tensor& x_ND = inputs.earlier.x_ND;
    if (!x_ND.defined() || x_ND.size(0) != inputs.sids.num_items())
      throw Error(
          "reward 'token_centroid' reads the encoder's vectors, and its trainer did not hand them "
          "on, one for each item; a trainer passes TrainInputs::earlier to its rewards");
    Meanings meanings{cosines(mean_residuals(x_ND, clusters)), {}};
    for (size_t c = 0; c < clusters.size(); ++c)
      meanings.of_cluster.push_back(static_cast<int64_t>(c));
    return meanings;
  }
};

}  // namespace

TSREC_PLUGIN("tsrec.token_semantic", "0.1.0",
             tsrec::part<tsrec::Reward, TokenSemantic, SemanticSettings>(
                 "token_semantic", /*revision=*/1,
                 "A miss earns what its tokens' descriptions or keywords share with the target's"),
             tsrec::part<tsrec::Reward, TokenCentroid, CommonSettings>(
                 "token_centroid", /*revision=*/1,
                 "A miss earns what its tokens' centroids share with the target's"))
