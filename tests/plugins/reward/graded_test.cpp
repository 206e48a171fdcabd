// Rewards that tell misses apart, against their formulas.
#include "random_world.hpp"

namespace tsrec::test {
namespace {

TEST(Hierarchical, CountsLeadingCodes) {
  RandomWorld world;
  const auto shared = [&](int64_t item, int64_t target) {
    int64_t count = 0;
    while (count < 3 && torch::equal(world.sids.code_NL[item].slice(0, 0, count + 1),
                                     world.sids.code_NL[target].slice(0, 0, count + 1)))
      ++count;
    return count;
  };
  const std::array<double, 3> published = {0, 0.2, 0.5};
  for (const bool by_sid : {true, false}) {
    const torch::Tensor score_BG =
        world.score("hierarchical", {{"match", by_sid ? "sid" : "item"}});
    world.expect(score_BG, 1, by_sid, [&](int64_t, int64_t item, int64_t target) {
      // An item with the target's own SID that is no hit is as near as a miss can be.
      return published[static_cast<size_t>(std::min<int64_t>(2, shared(item, target)))];
    });
  }
  world.expect(world.score("hierarchical", {{"shares", "0.1, 0.15, 0.4"}}), 0.4, true,
               [&](int64_t, int64_t item, int64_t target) {
                 return std::array{0.0, 0.1, 0.15}[static_cast<size_t>(shared(item, target))];
               });
}

TEST(Hierarchical, ShorterSidsEndWhereTheyEnd) {
  RandomWorld world;
  world.sids.code_NL =
      torch::tensor({{0, 1, -1}, {0, 2, 3}, {0, 2, -1}, {1, 1, 0}, {0, 2, 1}}, torch::kInt64);
  world.rollouts.item_BG = torch::tensor({{0, 1, 2, 3}, {0, 1, 4, 3}}, torch::kInt64);
  world.rollouts.target_B = torch::tensor({0, 1}, torch::kInt64);
  EXPECT_TRUE(torch::allclose(world.score("hierarchical"),
                              torch::tensor({{1.0F, 0.2F, 0.2F, 0.0F}, {0.2F, 1.0F, 0.5F, 0.0F}})));
}

TEST(Hierarchical, RefusesSharesThatDoNotFit) {
  RandomWorld world;
  EXPECT_EQ(message_of<ConfigError>([&] {
              world.score("hierarchical", {{"shares", "0.5, 1"}});
            }),
            "reward 'hierarchical': shares has 2 entries, and the SIDs have 3 levels; give one for "
            "each, such as shares = [0.333333, 0.666667, 1]");
  EXPECT_TRUE(contains(message_of<ConfigError>([&] {
                         world.score("hierarchical", {{"shares", "0.5, 0.5, 1"}});
                       }),
                       "must rise"));
}

TEST(Cosine, IsTheCosineOfVectors) {
  RandomWorld world;
  const auto cosine = [&](int64_t a, int64_t b) {
    double dot = 0, left = 0, right = 0;
    for (int64_t d = 0; d < world.x_ND.size(1); ++d) {
      const double x = world.x_ND[a][d].item<double>(), y = world.x_ND[b][d].item<double>();
      dot += x * y, left += x * x, right += y * y;
    }
    return left * right == 0 ? 0 : dot / std::sqrt(left * right);
  };
  for (const double margin : {0.05, 0.0, 0.5}) {
    for (const bool by_sid : {true, false}) {
      const torch::Tensor score_BG = world.score(
          "cosine", {{"margin", std::to_string(margin)}, {"match", by_sid ? "sid" : "item"}});
      world.expect(score_BG, 1, by_sid, [&](int64_t, int64_t item, int64_t target) {
        return (1 - margin) * cosine(item, target);
      });
    }
  }
}

TEST(Collaborative, IsThePlaceInTheRecommendersList) {
  RandomWorld world;
  world.recommenders = {{"markov", fitted(world, "markov")},
                        {"others", fitted(world, "popularity")}};
  for (const auto& [name, candidates] : std::vector<std::pair<std::string, int64_t>>{
           {"markov", 0}, {"markov", 6}, {"others", 1000}}) {
    const torch::Tensor score_BG = world.score(
        "collaborative", {{"recommender", name}, {"candidates", std::to_string(candidates)}});
    const Rankings all = world.recommenders.at(name)(world.rollouts.samples, RandomWorld::kItems);
    world.expect(score_BG, 1, true, [&](int64_t b, int64_t item, int64_t) {
      if (world.rollouts.samples.history(b).empty()) return 0.0;
      const torch::Tensor place = (all.item_SM[b] == item).nonzero();
      EXPECT_EQ(place.numel(), 1);
      const auto at = place.item<int64_t>();
      if (candidates > 0 && at >= candidates) return 0.0;
      return 0.95 / std::log2(static_cast<double>(at) + 2);
    });
  }
}

TEST(Collaborative, ScoresAreTheRecommendersOwn) {
  RandomWorld world;
  world.recommenders = {{"markov", fitted(world, "markov")}};
  const torch::Tensor score_BG =
      world.score("collaborative", {{"value", "score"}, {"candidates", "0"}});
  const Rankings all = world.recommenders.at("markov")(world.rollouts.samples, RandomWorld::kItems);
  for (int64_t b = 0; b < RandomWorld::kPrompts; ++b) {
    for (int64_t g = 0; g < RandomWorld::kCompletions; ++g) {
      const torch::Tensor wanted =
          all.score_SM[b].masked_select(all.item_SM[b] == world.item(b, g));
      ASSERT_EQ(wanted.numel(), 1);
      EXPECT_EQ(score_BG[b][g].item<float>(), world.rollouts.samples.history(b).empty()
                                                  ? 0.0F
                                                  : wanted.item<float>());  // hits too
    }
  }
}

TEST(Collaborative, RefusesWhatItCannotAsk) {
  RandomWorld world;
  EXPECT_TRUE(contains(message_of<Error>([&] { world.score("collaborative"); }),
                       "asks the recommender 'markov', and its trainer did not hand it on"));
  world.recommenders = {{"markov", [&](const Samples& samples, int64_t) {
                           Rankings short_lists;
                           short_lists.item_SM = torch::zeros({samples.size(), 1}, torch::kInt64);
                           short_lists.score_SM = torch::zeros({samples.size(), 1});
                           return short_lists;
                         }}};
  EXPECT_TRUE(contains(message_of<Error>([&] {
                         world.score("collaborative", {{"value", "score"}, {"candidates", "0"}});
                       }),
                       "the recommender 'markov' does not score item"));
  EXPECT_TRUE(contains(message_of<ConfigError>([&] {
                         world.score("collaborative", {{"value", "score"}});
                       }),
                       "set candidates = 0"));
  world.rollouts.samples = Samples::empty();
  EXPECT_TRUE(contains(message_of<Error>([&] { world.score("collaborative"); }),
                       "the rollouts of 12 prompts come with 0 rows"));
}

TEST(Debiasing, CountsTargetsOfTraining) {
  RandomWorld world;
  std::vector<double> count(RandomWorld::kItems, 0);
  for (int64_t row = 0; row < world.data.train.size(); ++row)
    ++count[static_cast<size_t>(world.data.train.target(row))];
  const double all = 200 + 40, most = *std::max_element(count.begin(), count.end());
  for (const bool by_sid : {true, false}) {
    const OptionTexts match = {{"match", by_sid ? "sid" : "item"}};
    world.expect(world.score("novelty", match), 1, by_sid, [&](int64_t, int64_t item, int64_t) {
      const double p = (count[static_cast<size_t>(item)] + 1) / all;
      return 0.95 * std::log(p) / std::log(1 / all);
    });
    world.expect(world.score("popularity_penalty", match), 0, by_sid,
                 [&](int64_t, int64_t item, int64_t) {
                   return -std::log(count[static_cast<size_t>(item)] + 2) / std::log(most + 2);
                 });
  }
}

TEST(SameField, ComparesOneValueOrSeveral) {
  RandomWorld world;
  const Items& items = world.data.items;
  world.expect(world.score("same_field"), 1, true, [&](int64_t, int64_t item, int64_t target) {
    const auto brand = items.text("brand", item);
    return !brand.empty() && brand == items.text("brand", target) ? 0.95 : 0.0;
  });
  const auto values = [&](int64_t item) {
    std::set<char> found;  // "c3| c0|" has 3 and 0
    for (const char c : items.text("categories", item)) {
      if (c >= '0' && c <= '9') found.insert(c);
    }
    return found;
  };
  world.expect(
      world.score("same_field", {{"field", "categories"}, {"separator", "|"}, {"margin", "0.2"}}),
      1, true, [&](int64_t, int64_t item, int64_t target) {
        const auto a = values(item), b = values(target);
        std::set<char> either = a;
        either.insert(b.begin(), b.end());
        int common = 0;
        for (const char c : a) common += static_cast<int>(b.count(c));
        return either.empty() ? 0.0 : 0.8 * common / static_cast<double>(either.size());
      });
  EXPECT_EQ(message_of<ConfigError>([&] {
              world.score("same_field", {{"field", "colour"}});
            }),
            "reward 'same_field': field = \"colour\", which no item has; the source's columns are: "
            "brand, categories");
}

const std::array<std::string, 9> kKnowHits = {
    "exact_match", "rank_penalty",       "hierarchical", "cosine",        "collaborative",
    "novelty",     "popularity_penalty", "same_field",   "token_semantic"};

// Whatever a miss is worth, a hit is worth more: by the SID that it shares, and by the item alone.
TEST(EveryReward, AHitIsFirst) {
  for (int again = 0; again < 5; ++again) {
    RandomWorld world;
    world.recommenders = {{"markov", fitted(world, "markov")}};
    for (const std::string& name : kKnowHits) {
      for (const bool by_sid : {true, false}) {
        const torch::Tensor score_BG = world.score(
            built_part("reward", name, {{"match", by_sid ? "sid" : "item"}}).with("encoder", {}));
        for (int64_t b = 0; b < RandomWorld::kPrompts; ++b) {
          double best_miss = -1e9, worst_hit = 1e9;
          for (int64_t g = 0; g < RandomWorld::kCompletions; ++g) {
            const double score = score_BG[b][g].item<double>();
            if (world.is_hit(world.item(b, g), world.target(b), by_sid)) {
              worst_hit = std::min(worst_hit, score);
            } else {
              best_miss = std::max(best_miss, score);
            }
          }
          EXPECT_GT(worst_hit, best_miss) << name << ", seed " << world.seed << ", prompt " << b;
        }
      }
    }
  }
}

TEST(EveryReward, NoCompletionIsWorthNothing) {
  RandomWorld world;
  world.recommenders = {{"markov", fitted(world, "markov")}};
  world.rollouts.item_BG[4][8] = -1;
  for (const std::string& name : kKnowHits) {
    const torch::Tensor score_BG = world.score(built_part("reward", name).with("encoder", {}));
    if (name != "rank_penalty") {
      EXPECT_EQ(score_BG[4][8].item<float>(), 0) << name;
    }
  }
}

TEST(EveryReward, AsksForATarget) {
  RandomWorld world;
  world.recommenders = {{"markov", fitted(world, "markov")}};
  world.rollouts.target_B[3] = -1;
  for (const std::string& name : kKnowHits) {
    EXPECT_EQ(
        message_of<Error>([&] { world.score(built_part("reward", name).with("encoder", {})); }),
        "a reward needs the target of every prompt; prompt 3 has none")
        << name;
  }
}

TEST(EveryReward, SaysWhatItsTrainerDidNotHandOn) {
  RandomWorld world;
  world.x_ND = torch::Tensor();
  for (const std::string name : {"cosine", "token_centroid"})
    EXPECT_TRUE(contains(message_of<Error>([&] { world.score(name); }),
                         "its trainer did not hand them on, one for each item"))
        << name;
  world.notes.clear();
  EXPECT_TRUE(contains(message_of<DataError>([&] { world.score("token_semantic"); }),
                       "tokens has a note; its trainer hands on what an [extractor] wrote down"));
}

}  // namespace
}  // namespace tsrec::test
