// What a recommender of the experiment thinks of the completion, given the prompt's history (the
// collaborative reward of MiniOneRec, arXiv 2510.24431, which asks a SASRec).
#include "tsrec/parts/reward.hpp"

namespace {

using namespace tsrec;

struct Settings {
  TargetMatch match;
  std::string recommender = "markov", value = "place";
  int64_t candidates = 1000;
  double margin = 0.05;
  void declare(Options& o) {
    match.declare(o);
    o.add("recommender", recommender)
        .names_recommender()
        .help("the [[recommender]] that is asked, by its name");
    o.add("value", value)
        .one_of({"place", "score"})
        .help(
            "place: 1 / log2(p + 2) for 0-based place p of its list, a hit 1; score: its own score "
            "of hits and misses alike, unbounded, as published");
    o.add("candidates", candidates)
        .at_least(0)
        .unit("items")
        .help("length of its list, behind which a miss earns 0; 0: all items")
        .check([this] {
          return value == "place" || candidates == 0
                     ? ""
                     : "value = \"score\" asks for the score of whatever is completed; set "
                       "candidates = 0";
        });
    o.add("margin", margin)
        .range(0, 1)
        .help("of value = \"place\": a miss earns (1 - margin) times what its place is worth");
  }
};

class Collaborative final : public Reward {
 public:
  Collaborative(const Settings& settings, Context&) : settings_(settings) {}

  void prepare(const RewardInputs& inputs, Context&) override {
    settings_.match.prepare(inputs.sids);
    const auto found = inputs.earlier.recommenders.find(settings_.recommender);
    if (found == inputs.earlier.recommenders.end())
      throw Error("reward 'collaborative' asks the recommender '", settings_.recommender,
                  "', and its trainer did not hand it on; a trainer passes TrainInputs::earlier to "
                  "its rewards");
    rank_ = found->second;
    num_candidates_ = settings_.candidates == 0
                          ? inputs.data.items.size()
                          : std::min(settings_.candidates, inputs.data.items.size());
  }

  // A prompt without a history asks nothing that a recommender could answer: its misses earn 0.
  torch::Tensor score(const Rollouts& rollouts) const override {
    rollouts.require_samples("reward 'collaborative' judges completions by");
    const std::vector<List> list_B = lists_of(rollouts.samples);
    return settings_.value == "score" ? scores(rollouts, list_B) : places(rollouts, list_B);
  }

 private:
  struct Listed {
    int64_t place;
    double score;
  };
  using List = std::unordered_map<int64_t, Listed>;  // by item; empty without a history

  std::vector<List> lists_of(const Samples& samples) const {
    std::vector<List> list_B(static_cast<size_t>(samples.size()));
    std::vector<int64_t> asked;
    for (int64_t b = 0; b < samples.size(); ++b) {
      if (!samples.history(b).empty()) asked.push_back(b);
    }
    if (asked.empty()) return list_B;
    const Rankings rankings = rank_(samples.rows(asked), num_candidates_);
    const auto item = rankings.item_SM.accessor<int64_t, 2>();
    const auto score = rankings.score_SM.accessor<float, 2>();
    for (size_t row = 0; row < asked.size(); ++row) {
      List& list = list_B[static_cast<size_t>(asked[row])];
      const auto r = static_cast<int64_t>(row);
      for (int64_t m = 0; m < item.size(1); ++m) {
        if (item[r][m] >= 0) list.emplace(item[r][m], Listed{m, score[r][m]});
      }
    }
    return list_B;
  }

  torch::Tensor places(const Rollouts& rollouts, const std::vector<List>& list_B) const {
    return settings_.match.scores(rollouts, /*hit=*/1, [&](int64_t prompt, int64_t item, int64_t) {
      const List& list = list_B[static_cast<size_t>(prompt)];
      const auto found = list.find(item);
      if (found == list.end()) return 0.0;
      return (1 - settings_.margin) / std::log2(static_cast<double>(found->second.place) + 2);
    });
  }

  torch::Tensor scores(const Rollouts& rollouts, const std::vector<List>& list_B) const {
    settings_.match.hits(rollouts);  // every prompt has a target
    torch::Tensor score_BG = torch::zeros(rollouts.item_BG.sizes(), torch::kFloat32);
    const auto item = rollouts.item_BG.accessor<int64_t, 2>();
    auto score = score_BG.accessor<float, 2>();
    for (int64_t b = 0; b < item.size(0); ++b) {
      const List& list = list_B[static_cast<size_t>(b)];
      for (int64_t g = 0; g < item.size(1) && !list.empty(); ++g) {
        if (item[b][g] < 0) continue;
        const auto found = list.find(item[b][g]);
        if (found == list.end())
          throw Error("reward 'collaborative': the recommender '", settings_.recommender,
                      "' does not score item ", item[b][g],
                      "; set value = \"place\", where what it leaves out earns 0");
        score[b][g] = static_cast<float>(found->second.score);
      }
    }
    return score_BG;
  }

  Settings settings_;
  RankItems rank_;
  int64_t num_candidates_ = 0;
};

}  // namespace

TSREC_PLUGIN("tsrec.collaborative", "0.1.0",
             tsrec::part<tsrec::Reward, Collaborative, Settings>(
                 "collaborative", /*revision=*/1,
                 "How high a recommender of the experiment ranks the completion"))
