// Rewards by the meaning of tokens, against their formulas.
#include "random_world.hpp"
#include "tsrec/parts/quantizer.hpp"

namespace tsrec::test {
namespace {

using OfCodes = std::function<double(int64_t level, int64_t a, int64_t b)>;

// sum_l weight_l sim_l, of two items of full depth.
double r_sem(const RandomWorld& world, int64_t a, int64_t b, const std::array<double, 3>& weight,
             double most, bool gated, const OfCodes& similarity) {
  double sum = 0;
  for (int64_t level = 0; level < 3; ++level) {
    const auto left = world.sids.code_NL[a][level].item<int64_t>(),
               right = world.sids.code_NL[b][level].item<int64_t>();
    const bool is_prefix = torch::equal(world.sids.code_NL[a].slice(0, 0, level),
                                        world.sids.code_NL[b].slice(0, 0, level));
    if (gated && !is_prefix) continue;
    const double alike = left == right ? 1 : std::min(most, similarity(level, left, right));
    sum += weight[static_cast<size_t>(level)] * alike;
  }
  return sum;
}

const TokenNote* note_of(const RandomWorld& world, int64_t level, int64_t code) {
  for (const TokenNote& note : world.notes) {
    if (note.token == world.sids.spelling.token(level, code)) return &note;
  }
  return nullptr;
}

std::vector<std::string> split(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

double jaccard(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  const std::set<std::string> left(a.begin(), a.end()), right(b.begin(), b.end());
  std::vector<std::string> common, either;
  std::set_intersection(left.begin(), left.end(), right.begin(), right.end(),
                        std::back_inserter(common));
  std::set_union(left.begin(), left.end(), right.begin(), right.end(), std::back_inserter(either));
  return static_cast<double>(common.size()) / static_cast<double>(either.size());
}

// Over the eight words that descriptions are made of, one entry each.
std::array<double, 8> tf_idf(const RandomWorld& world, const std::string& description) {
  std::array<double, 8> row{};
  for (size_t w = 0; w < 8; ++w) {
    const std::string word = c10::str("word", w);
    const auto count = [&](const std::string& text) {
      const auto words = split(text);
      return static_cast<double>(std::count(words.begin(), words.end(), word));
    };
    double with = 0;
    for (const TokenNote& note : world.notes) with += count(note.description) > 0;
    if (const double times = count(description); times > 0)
      row[w] = (1 + std::log(times)) *
               (1 + std::log((1 + static_cast<double>(world.notes.size())) / (1 + with)));
  }
  return row;
}

template <class Row>
double cosine(const Row& a, const Row& b) {
  const auto dot = [](const Row& x, const Row& y) {
    return std::inner_product(std::begin(x), std::end(x), std::begin(y), 0.0);
  };
  const double lengths = dot(a, a) * dot(b, b);
  return lengths == 0 ? 0 : std::max(0.0, dot(a, b) / std::sqrt(lengths));
}

kit::Subject by_words(const OptionTexts& options = {}) {
  return built_part("reward", "token_semantic", options).with("encoder", {});
}

TEST(TokenSemantic, ComparesDescriptionsByTheirWords) {
  RandomWorld world;
  const OfCodes similarity = [&](int64_t level, int64_t a, int64_t b) {
    const TokenNote *left = note_of(world, level, a), *right = note_of(world, level, b);
    if (left == nullptr || right == nullptr) return 0.0;
    return cosine(tf_idf(world, left->description), tf_idf(world, right->description));
  };
  for (const bool by_sid : {true, false}) {
    world.expect(world.score(by_words({{"match", by_sid ? "sid" : "item"}})), 1.3, by_sid,
                 [&](int64_t, int64_t item, int64_t target) {
                   return 0.3 * r_sem(world, item, target, {.5, .3, .2}, 0.95, false, similarity);
                 });
  }
}

TEST(TokenSemantic, ComparesKeywordsWithAGateOrWithout) {
  RandomWorld world;
  const OfCodes similarity = [&](int64_t level, int64_t a, int64_t b) {
    const TokenNote *left = note_of(world, level, a), *right = note_of(world, level, b);
    if (left == nullptr || right == nullptr) return 0.0;
    return jaccard(left->keywords, right->keywords);
  };
  for (const bool gated : {true, false}) {
    const torch::Tensor score_BG = world.score(by_words({{"similarity", "keyword"},
                                                         {"gate", gated ? "prefix" : "none"},
                                                         {"weights", "0.2, 0.2, 0.6"},
                                                         {"lambda", "0.8"},
                                                         {"margin", "0.6"}}));
    world.expect(score_BG, 1.8, true, [&](int64_t, int64_t item, int64_t target) {
      return 0.8 * r_sem(world, item, target, {.2, .2, .6}, 0.4, gated, similarity);
    });
  }
  const kit::Subject subject = by_words({{"similarity", "keyword"}});
  const torch::Tensor before_BG = world.score(subject);
  for (TokenNote& note : world.notes) {
    for (std::string& word : note.keywords) word = "  W" + word.substr(1) + "!";
  }
  EXPECT_TRUE(torch::equal(world.score(subject), before_BG));  // spelled otherwise, the same words
}

// An encoder is given a row for every note, with its description.
class OneHot final : public Encoder {
 public:
  torch::Tensor encode(const EncoderInputs& inputs, Context&) override {
    torch::Tensor x_ND = torch::zeros({inputs.items.size(), 8});
    for (int64_t i = 0; i < inputs.items.size(); ++i) {
      EXPECT_EQ(inputs.items.text("title", i), "");
      for (const std::string& word : split(std::string(inputs.items.text("description", i))))
        x_ND[i][word.back() - '0'] = 1;
    }
    return x_ND;
  }
};

TEST(TokenSemantic, ComparesDescriptionsByAnEncoder) {
  RandomWorld world;
  const OfCodes similarity = [&](int64_t level, int64_t a, int64_t b) {
    const TokenNote *left = note_of(world, level, a), *right = note_of(world, level, b);
    if (left == nullptr || right == nullptr) return 0.0;
    const auto words = [](const TokenNote& note) {
      std::array<double, 8> row{};
      for (const std::string& word : split(note.description))
        row[static_cast<size_t>(word.back() - '0')] = 1;
      return row;
    };
    return cosine(words(*left), words(*right));
  };
  const auto subject = built_part("reward", "token_semantic")
                           .with("encoder", {slot_entry("one_hot", std::make_shared<OneHot>())});
  world.expect(world.score(subject), 1.3, true, [&](int64_t, int64_t item, int64_t target) {
    return 0.3 * r_sem(world, item, target, {.5, .3, .2}, 0.95, false, similarity);
  });
}

TEST(TokenSemantic, MissesUnlikeTheHistoryCost) {
  RandomWorld world;
  const OfCodes similarity = [&](int64_t level, int64_t a, int64_t b) {
    const TokenNote *left = note_of(world, level, a), *right = note_of(world, level, b);
    if (left == nullptr || right == nullptr) return 0.0;
    return jaccard(left->keywords, right->keywords);
  };
  int64_t unlike = 0;
  const torch::Tensor score_BG = world.score(by_words(
      {{"similarity", "keyword"}, {"gate", "prefix"}, {"penalty", "0.7"}, {"threshold", "0.3"}}));
  world.expect(score_BG, 1.3, true, [&](int64_t b, int64_t item, int64_t target) {
    const double earned = 0.3 * r_sem(world, item, target, {.5, .3, .2}, 0.95, true, similarity);
    double mean = 0;
    const auto history = world.rollouts.samples.history(b);
    for (const int64_t seen : history)
      mean += r_sem(world, item, seen, {.5, .3, .2}, 0.95, false, similarity) /
              static_cast<double>(history.size());
    const bool costs = !history.empty() && mean < 0.3;
    unlike += costs;
    return costs ? earned - 0.7 : earned;
  });
  EXPECT_GT(unlike, 0);
  world.rollouts.samples = Samples::empty();
  EXPECT_TRUE(contains(message_of<Error>([&] {
                         world.score(by_words({{"penalty", "1"}}));
                       }),
                       "come with 0 rows"));
}

// What every pair of first codes earns: completions by item of code a, targets of code b.
std::vector<float> pairs_of_first_codes(RandomWorld& world, const std::string& shuffled) {
  const int64_t codes = world.sids.sizes[0];
  world.rollouts.item_BG = torch::arange(codes).repeat({codes, 1});
  world.rollouts.target_B = torch::arange(codes);
  const torch::Tensor score_BG =
      world.score(by_words({{"weights", "1, 0, 0"}, {"margin", "0"}, {"shuffled", shuffled}}));
  return {score_BG.const_data_ptr<float>(), score_BG.const_data_ptr<float>() + score_BG.numel()};
}

TEST(TokenSemantic, TheControlGivesMeaningsToOtherTokensOfTheLevel) {
  RandomWorld world;
  // Item i has first code i, and every token a note.
  world.sids.sizes[0] = RandomWorld::kItems;
  world.sids.code_NL.select(1, 0).copy_(torch::arange(RandomWorld::kItems));
  world.notes.clear();
  for (const TokenCluster& cluster : token_clusters(world.sids))
    world.notes.push_back(
        {cluster.token, c10::str("word", world.below(8), " word", world.below(8)), {"word"}});
  std::vector<float> plain = pairs_of_first_codes(world, "false");
  std::vector<float> shuffled = pairs_of_first_codes(world, "true");
  EXPECT_EQ(shuffled, pairs_of_first_codes(world, "true"));  // the seed decides
  EXPECT_NE(shuffled, plain) << "seed " << world.seed;
  for (size_t i = 0; i < RandomWorld::kItems; ++i)
    EXPECT_EQ(shuffled[i * RandomWorld::kItems + i], plain[i * RandomWorld::kItems + i]);
  // The same similarities, of other pairs.
  std::sort(plain.begin(), plain.end());
  std::sort(shuffled.begin(), shuffled.end());
  EXPECT_EQ(shuffled, plain) << "seed " << world.seed;
}

TEST(TokenSemantic, RefusesWhatDoesNotFit) {
  RandomWorld world;
  const auto refused = [&](const kit::Subject& subject) {
    return message_of<Error>([&] { world.score(subject); });
  };
  EXPECT_EQ(refused(by_words({{"weights", "0.5, 0.5"}})),
            "a token reward: weights has 2 entries, and the SIDs have 3 levels; give one for each");
  EXPECT_EQ(refused(by_words({{"weights", "0.5, 0.5, 0.5"}})), "weights add up to 1.5, not to 1");
  EXPECT_TRUE(contains(refused(by_words({{"lambda", "1"}})), "lambda"));
  EXPECT_TRUE(contains(refused(built_part("reward", "token_semantic", {{"similarity", "keyword"}})),
                       "leave out one of the two"));
  for (TokenNote& note : world.notes) note.keywords.clear();
  EXPECT_TRUE(contains(refused(by_words({{"similarity", "keyword"}})), "no note has a keyword"));
}

TEST(TokenCentroid, ComparesMeansOfWhatTheLevelsAboveLeave) {
  RandomWorld world;
  const int64_t width = world.x_ND.size(1);
  std::map<std::pair<int64_t, int64_t>, std::vector<double>> centroid;  // by level and code
  std::vector<std::vector<double>> residual(RandomWorld::kItems,
                                            std::vector<double>(static_cast<size_t>(width)));
  for (int64_t i = 0; i < RandomWorld::kItems; ++i) {
    for (int64_t d = 0; d < width; ++d)
      residual[static_cast<size_t>(i)][static_cast<size_t>(d)] = world.x_ND[i][d].item<double>();
  }
  for (int64_t level = 0; level < 3; ++level) {
    const auto code = [&](size_t i) {
      return world.sids.code_NL[static_cast<int64_t>(i)][level].item<int64_t>();
    };
    for (int64_t k = 0; k < RandomWorld::kCodes; ++k) {
      std::vector<double>& mean = centroid[{level, k}];
      mean.assign(static_cast<size_t>(width), 0.0);
      double members = 0;
      for (size_t i = 0; i < residual.size(); ++i) members += code(i) == k;
      for (size_t i = 0; i < residual.size(); ++i) {
        for (size_t d = 0; d < mean.size() && code(i) == k; ++d)
          mean[d] += residual[i][d] / members;
      }
    }
    for (size_t i = 0; i < residual.size(); ++i) {
      const std::vector<double>& mean = centroid[{level, code(i)}];
      for (size_t d = 0; d < mean.size(); ++d) residual[i][d] -= mean[d];
    }
  }
  world.expect(
      world.score("token_centroid"), 1.3, true, [&](int64_t, int64_t item, int64_t target) {
        return 0.3 * r_sem(world, item, target, {.5, .3, .2}, 0.95, false,
                           [&](int64_t level, int64_t a, int64_t b) {
                             return cosine(centroid.at({level, a}), centroid.at({level, b}));
                           });
      });
}

TEST(TokenCentroid, OfResidualKMeansTheCentroidsAreItsCodebooks) {
  RandomWorld world;
  const auto quantizer = make_part<Quantizer>(
      "rq_kmeans", world.context,
      {{"levels", "3"}, {"codes", "4"}, {"tolerance", "0"}, {"iterations", "1000"}});
  quantizer->fit(world.x_ND, world.context);
  world.sids.code_NL = quantizer->encode(world.x_ND);
  const TempFolder folder;
  ArtifactWriter writer(folder.path() / "fitted");
  quantizer->save(writer);
  writer.close();
  const torch::Tensor center_LKD =
      ArtifactReader(folder.path() / "fitted").tensor("center_LKD").to(torch::kFloat64);
  const torch::Tensor score_BG = world.score("token_centroid");
  for (int64_t b = 0; b < RandomWorld::kPrompts; ++b) {
    for (int64_t g = 0; g < RandomWorld::kCompletions; ++g) {
      if (world.is_hit(world.item(b, g), world.target(b))) continue;
      const double wanted =
          0.3 * r_sem(world, world.item(b, g), world.target(b), {.5, .3, .2}, 0.95, false,
                      [&](int64_t level, int64_t a, int64_t other) {
                        const torch::Tensor left = center_LKD[level][a],
                                            right = center_LKD[level][other];
                        return std::max(
                            0.0, (left.dot(right) / left.norm() / right.norm()).item<double>());
                      });
      EXPECT_NEAR(score_BG[b][g].item<double>(), wanted, 1e-4) << "seed " << world.seed;
    }
  }
}

}  // namespace
}  // namespace tsrec::test
