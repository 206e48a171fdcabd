#include "tsrec/decode/decoder.hpp"

#include "plugins/trainer/toy_world.hpp"
#include "tsrec/nn/label_log_probs.hpp"
#include "tsrec/parts/source.hpp"

namespace tsrec::test {
namespace {

using decode::Constraint;
using decode::DecodeOptions;
using decode::Decoder;
using decode::Scoring;

const std::vector<std::vector<int32_t>> kPrompts = {{1, 2, 7}, {1, 2}, {1, 2, 7}, {9, 9, 4, 4, 3}};

// log p over the whole vocabulary after `tokens`, by one plain forward.
torch::Tensor next_log_probs(const nn::LanguageModel& model, const std::vector<int32_t>& tokens) {
  const torch::NoGradGuard no_grad;
  return torch::log_softmax(
      torch::matmul(model.hidden(one_row(tokens), {})[-1], model.head().weight_VD.t())
          .to(torch::kFloat64),
      0);
}

struct Listed {
  double score;
  std::vector<int32_t> tokens;
  bool operator<(const Listed& other) const {
    return score != other.score ? score > other.score : tokens < other.tokens;
  }
};

// Beam search as the textbook has it: the whole sequence is computed again for every beam.
std::vector<Listed> naive_beams(const ToyWorld& world, const std::vector<int32_t>& prompt,
                                size_t width, Scoring scoring,
                                const std::vector<int32_t>& suffix = {},
                                Constraint constraint = Constraint::trie) {
  std::vector<Listed> beams = {{0, {}}};
  for (int64_t level = 0; level < world.sids.num_levels(); ++level) {
    std::vector<Listed> next;
    for (const Listed& beam : beams) {
      std::vector<int32_t> context = prompt;
      context.insert(context.end(), beam.tokens.begin(), beam.tokens.end());
      const torch::Tensor log_prob = next_log_probs(*world.backbone, context);
      std::set<int32_t> legal;
      for (int64_t item = 0; item < world.items.size(); ++item) {
        const auto sid = world.vocabulary.ids(world.sids, item);
        if (constraint == Constraint::level ||
            std::equal(beam.tokens.begin(), beam.tokens.end(), sid.begin()))
          legal.insert(sid[beam.tokens.size()]);
      }
      double total = 0;
      for (const int32_t token : legal) total += std::exp(log_prob[token].item<double>());
      for (const int32_t token : legal) {
        Listed child = beam;
        child.tokens.push_back(token);
        child.score +=
            log_prob[token].item<double>() - (scoring == Scoring::legal ? std::log(total) : 0);
        next.push_back(child);
      }
    }
    std::sort(next.begin(), next.end());
    next.resize(std::min(next.size(), width));
    beams = next;
  }
  for (Listed& beam : beams) {
    std::vector<int32_t> context = prompt;
    context.insert(context.end(), beam.tokens.begin(), beam.tokens.end());
    for (const int32_t token : suffix) {
      beam.score += next_log_probs(*world.backbone, context)[token].item<double>();
      context.push_back(token);
    }
  }
  std::sort(beams.begin(), beams.end());
  return beams;
}

void expect_equal(const Rollouts& rollouts, int64_t b, const std::vector<Listed>& wanted,
                  const ToyWorld& world) {
  ASSERT_EQ(rollouts.token_BG[static_cast<size_t>(b)].size(), wanted.size());
  for (size_t g = 0; g < wanted.size(); ++g) {
    EXPECT_EQ(rollouts.token_BG[static_cast<size_t>(b)][g], wanted[g].tokens)
        << "prompt " << b << " place " << g;
    EXPECT_NEAR(rollouts.log_prob_BG[b][static_cast<int64_t>(g)].item<double>(), wanted[g].score,
                1e-4);
    const int64_t item = rollouts.item_BG[b][static_cast<int64_t>(g)].item<int64_t>();
    EXPECT_EQ(world.vocabulary.ids(world.sids, item), wanted[g].tokens);
  }
}

// Twelve items again, with SIDs of three levels: some nodes have one child, some two, some three.
void give_three_levels(ToyWorld& world) {
  world.sids.sizes = {3, 3, 4};
  world.sids.code_NL = torch::tensor({{0, 0, 0},
                                      {0, 0, 1},
                                      {0, 0, 3},
                                      {0, 1, 2},
                                      {0, 2, 0},
                                      {0, 2, 2},
                                      {1, 0, 1},
                                      {1, 0, 2},
                                      {1, 2, 3},
                                      {2, 1, 0},
                                      {2, 1, 1},
                                      {2, 1, 2}},
                                     torch::kInt64);
  world.backbone = world.make_backbone();
  world.trie = Trie::build(world.sids, world.vocabulary);
}

void expect_beams_of_the_textbook(const ToyWorld& world, TestContext& context) {
  for (const Scoring scoring : {Scoring::full, Scoring::legal}) {
    for (const int64_t beams : {1, 2, 5, 12}) {
      for (const std::vector<int32_t>& suffix :
           {std::vector<int32_t>{}, std::vector<int32_t>{5, 6}}) {
        DecodeOptions options;
        options.scoring = scoring;
        options.beams = beams;
        options.suffix = suffix;
        const Decoder decoder(*world.backbone, world.trie, options);
        const torch::NoGradGuard no_grad;
        const Rollouts rollouts =
            decoder.roll_out(decoder.prefill(kPrompts, context), std::nullopt, context);
        for (size_t b = 0; b < kPrompts.size(); ++b) {
          expect_equal(rollouts, static_cast<int64_t>(b),
                       naive_beams(world, kPrompts[b], static_cast<size_t>(beams), scoring,
                                   scoring == Scoring::full ? suffix : std::vector<int32_t>{}),
                       world);
        }
        if (beams == 12 && scoring == Scoring::legal) {
          EXPECT_NEAR(rollouts.log_prob_BG[0].exp().sum().item<double>(), 1, 1e-5);
        }
      }
    }
  }
}

TEST(Decoder, BeamSearchEqualsTheNaiveOneAndAllBeamsEqualEnumeration) {
  ToyWorld world;
  expect_beams_of_the_textbook(world, world.context);
  give_three_levels(world);
  expect_beams_of_the_textbook(world, world.context);
}

// Every leaf of the trie by its score: what an exact search must find the first of.
void expect_the_best_of_all(const ToyWorld& world, TestContext& context) {
  for (const Scoring scoring : {Scoring::full, Scoring::legal}) {
    for (const std::vector<int32_t>& suffix :
         {std::vector<int32_t>{}, std::vector<int32_t>{5, 6}}) {
      for (const int64_t wanted : {1, 3, 12}) {
        DecodeOptions options;
        options.scoring = scoring;
        options.search = decode::Search::exact;
        options.beams = wanted;
        options.suffix = suffix;
        const Decoder exact(*world.backbone, world.trie, options);
        options.search = decode::Search::beam;
        const Decoder beam(*world.backbone, world.trie, options);
        const torch::NoGradGuard no_grad;
        const Rollouts best = exact.roll_out(exact.prefill(kPrompts, context), {}, context);
        const Rollouts beams = beam.roll_out(beam.prefill(kPrompts, context), {}, context);
        for (size_t b = 0; b < kPrompts.size(); ++b) {
          auto all = naive_beams(world, kPrompts[b], 12, scoring,
                                 scoring == Scoring::full ? suffix : std::vector<int32_t>{});
          all.resize(static_cast<size_t>(wanted));
          expect_equal(best, static_cast<int64_t>(b), all, world);
          EXPECT_EQ(best.certified_B[static_cast<int64_t>(b)].item<int64_t>(), wanted);
          const auto certified = beams.certified_B[static_cast<int64_t>(b)].item<int64_t>();
          for (int64_t place = 0; place < certified; ++place)
            EXPECT_EQ(beams.token_BG[b][static_cast<size_t>(place)],
                      all[static_cast<size_t>(place)].tokens);
          if (wanted == 12) {
            EXPECT_EQ(certified, 12);  // nothing was cut off
          }
        }
      }
    }
  }
}

TEST(Decoder, ExactSearchFindsTheBestOfAllAndBeamsCertifyOnlyWhatIsTrue) {
  ToyWorld world;
  expect_the_best_of_all(world, world.context);
  give_three_levels(world);
  expect_the_best_of_all(world, world.context);
}

// Items of the catalogue with this SID; none: it is made of codes that do not belong together.
std::vector<int64_t> items_of(const ToyWorld& world, const std::vector<int32_t>& tokens) {
  std::vector<int64_t> items;
  for (int64_t item = 0; item < world.items.size(); ++item) {
    if (world.vocabulary.ids(world.sids, item) == tokens) items.push_back(item);
  }
  return items;
}

// 36 triples of codes, 12 of them SIDs.
TEST(Decoder, ByLevelEveryTripleOfCodesMayBeSaid) {
  ToyWorld world;
  give_three_levels(world);
  for (const Scoring scoring : {Scoring::full, Scoring::legal}) {
    for (const std::vector<int32_t>& suffix :
         {std::vector<int32_t>{}, std::vector<int32_t>{5, 6}}) {
      const auto naive = [&](const std::vector<int32_t>& prompt, size_t width) {
        return naive_beams(world, prompt, width, scoring,
                           scoring == Scoring::full ? suffix : std::vector<int32_t>{},
                           Constraint::level);
      };
      for (const decode::Search search : {decode::Search::beam, decode::Search::exact}) {
        for (const int64_t beams : {1, 4, 12}) {
          DecodeOptions options;
          options.scoring = scoring;
          options.search = search;
          options.constraint = Constraint::level;
          options.beams = beams;
          options.suffix = suffix;
          const Decoder decoder(*world.backbone, world.trie, options);
          const torch::NoGradGuard no_grad;
          const Rollouts rollouts =
              decoder.roll_out(decoder.prefill(kPrompts, world.context), {}, world.context);
          for (size_t b = 0; b < kPrompts.size(); ++b) {
            const std::vector<Listed> all = naive(kPrompts[b], 36);
            ASSERT_EQ(all.size(), 36u);
            std::vector<Listed> wanted = search == decode::Search::exact
                                             ? all
                                             : naive(kPrompts[b], static_cast<size_t>(beams));
            wanted.resize(static_cast<size_t>(beams));
            ASSERT_EQ(rollouts.token_BG[b].size(), wanted.size());
            const auto row = static_cast<int64_t>(b);
            for (int64_t g = 0; g < beams; ++g) {
              const Listed& listed = wanted[static_cast<size_t>(g)];
              EXPECT_EQ(rollouts.token_BG[b][static_cast<size_t>(g)], listed.tokens);
              EXPECT_NEAR(rollouts.log_prob_BG[row][g].item<double>(), listed.score, 1e-4);
              const std::vector<int64_t> items = items_of(world, listed.tokens);
              EXPECT_EQ(rollouts.item_BG[row][g].item<int64_t>(),
                        items.empty() ? -1 : items.front());
              EXPECT_EQ(rollouts.leaf_BG[row][g].item<int64_t>() < 0, items.empty());
            }
            const auto certified = rollouts.certified_B[row].item<int64_t>();
            if (search == decode::Search::exact) {
              EXPECT_EQ(certified, beams);
            }
            for (int64_t g = 0; g < certified; ++g)
              EXPECT_EQ(rollouts.token_BG[b][static_cast<size_t>(g)],
                        all[static_cast<size_t>(g)].tokens);
          }
        }
      }
    }
  }
}

TEST(Decoder, RankingsByLevelLeaveOutAndCountWhatIsNoSid) {
  ToyWorld world;
  give_three_levels(world);
  DecodeOptions options;
  options.beams = 12;
  options.constraint = Constraint::level;
  for (const decode::Search search : {decode::Search::beam, decode::Search::exact}) {
    options.search = search;
    const Decoder decoder(*world.backbone, world.trie, options);
    const Rankings lists = decoder.rank(kPrompts, world.context);
    const torch::NoGradGuard no_grad;
    const Rollouts answers =
        decoder.roll_out(decoder.prefill(kPrompts, world.context), {}, world.context);
    int64_t illegal = 0;
    for (size_t b = 0; b < kPrompts.size(); ++b) {
      const auto row = static_cast<int64_t>(b);
      const std::vector<Listed> best = naive_beams(world, kPrompts[b], 12, Scoring::full);
      int64_t place = 0;
      for (int64_t g = 0; g < 12; ++g) {
        const auto items = items_of(world, answers.token_BG[b][static_cast<size_t>(g)]);
        if (items.empty()) {
          ++illegal;
          continue;
        }
        EXPECT_EQ(lists.item_SM[row][place].item<int64_t>(), items.front());
        EXPECT_NEAR(lists.score_SM[row][place].item<double>(),
                    answers.log_prob_BG[row][g].item<double>(), 1e-4);
        if (place < lists.certified_S[row].item<int64_t>()) {
          EXPECT_EQ(answers.token_BG[b][static_cast<size_t>(g)],
                    best[static_cast<size_t>(place)].tokens);
        }
        ++place;
      }
      if (search == decode::Search::exact) {
        EXPECT_EQ(lists.certified_S[row].item<int64_t>(), place);
      }
      EXPECT_LE(lists.certified_S[row].item<int64_t>(), place);
      for (; place < 12; ++place) EXPECT_EQ(lists.item_SM[row][place].item<int64_t>(), -1);
    }
    EXPECT_EQ(lists.num_illegal, illegal);
    EXPECT_GT(illegal, 0);
  }
}

TEST(Decoder, ByLevelSidsNeedOneLength) {
  ToyWorld world;
  give_three_levels(world);
  world.sids.code_NL[3] = torch::tensor({0, 1, -1}, torch::kInt64);
  world.backbone = world.make_backbone();
  world.trie = Trie::build(world.sids, world.vocabulary);
  DecodeOptions options;
  options.beams = 2;
  Decoder(*world.backbone, world.trie, options).rank(kPrompts, world.context);
  options.constraint = Constraint::level;
  const std::string refusal =
      message_of<ConfigError>([&] { Decoder(*world.backbone, world.trie, options); });
  EXPECT_TRUE(contains(refusal, "use constraint = \"trie\"")) << refusal;
}

TEST(Decoder, RankingsByExactSearchSkipTokensThatAreForced) {
  ToyWorld world;
  give_three_levels(world);
  DecodeOptions options;
  options.beams = 3;
  options.scoring = Scoring::legal;
  const auto tokens_of = [&](decode::Search search) {
    options.search = search;
    world.context.counters.clear();
    const Rankings lists =
        Decoder(*world.backbone, world.trie, options).rank(kPrompts, world.context);
    EXPECT_TRUE(lists.certified_S.defined());
    return world.context.counters["token_forwards"];
  };
  // Six prompt tokens in all. Behind them at most three nodes of the first level and the six of the
  // second that have a choice; beams 1-2, 1-0 and the like lead to their leaves for nothing.
  for (const decode::Search search : {decode::Search::beam, decode::Search::exact}) {
    const int64_t tokens = tokens_of(search);
    EXPECT_LE(tokens, 8 + 3 * (3 + 4));
    EXPECT_GT(tokens, 8);
  }
}

TEST(Decoder, RankingsExpandSharedSidsAndDoNotDependOnTheBatch) {
  ToyWorld world;
  world.sids.code_NL[11] = world.sids.code_NL[4];  // items 4 and 11 share a SID
  world.backbone = world.make_backbone();
  world.trie = Trie::build(world.sids, world.vocabulary);
  DecodeOptions options;
  options.beams = 6;
  const Rankings all = Decoder(*world.backbone, world.trie, options).rank(kPrompts, world.context);
  options.max_tokens = 3;
  const Rankings single =
      Decoder(*world.backbone, world.trie, options).rank(kPrompts, world.context);
  EXPECT_TRUE(torch::equal(all.item_SM, single.item_SM));
  EXPECT_TRUE(torch::allclose(all.score_SM, single.score_SM, 1e-5, 1e-5));
  EXPECT_TRUE(torch::equal(all.item_SM[0], all.item_SM[2]));
  EXPECT_EQ(all.num_illegal, 0);
  for (int64_t row = 0; row < 4; ++row) {
    std::set<int64_t> seen;
    for (int64_t m = 0; m < all.item_SM.size(1); ++m) {
      const int64_t item = all.item_SM[row][m].item<int64_t>();
      if (item < 0) continue;
      EXPECT_TRUE(seen.insert(item).second);
      EXPECT_EQ(all.leaf_SM[row][m].item<int64_t>(),
                world.sids.group_N()[static_cast<size_t>(item)]);
    }
    EXPECT_EQ(seen.contains(4), seen.contains(11));
  }
}

TEST(Decoder, TheTreeScoresEveryTokenOfEveryCompletionWithItsGradient) {
  ToyWorld world;
  for (const std::vector<int32_t>& suffix : {std::vector<int32_t>{}, std::vector<int32_t>{5, 6}}) {
    DecodeOptions options;
    options.beams = 5;
    options.suffix = suffix;
    const Decoder decoder(*world.backbone, world.trie, options);
    const nn::Prefilled prompts = decoder.prefill(kPrompts, world.context);
    const Rollouts rollouts = decoder.roll_out(prompts, std::nullopt, world.context);
    const nn::PackedBatch tree = decoder.tree(prompts, rollouts);
    const torch::Tensor log_prob =
        nn::label_log_probs(*world.backbone, prompts, tree, world.context);
    std::vector<torch::Tensor> wanted;
    for (size_t b = 0; b < kPrompts.size(); ++b) {
      for (const auto& sid : rollouts.token_BG[b]) {
        std::vector<int32_t> target = sid;
        target.insert(target.end(), suffix.begin(), suffix.end());
        wanted.push_back(row_log_probs(*world.backbone, kPrompts[b], target));
      }
    }
    const torch::Tensor all = torch::cat(wanted);
    ASSERT_EQ(all.size(0), log_prob.size(0));
    EXPECT_LT((all - log_prob).abs().max().item<double>(), 1e-4);
    const torch::Tensor probe = torch::randn(all.sizes(), at::detail::createCPUGenerator(3));
    const auto expected = gradients((all * probe).sum(), *world.backbone),
               got = gradients((log_prob * probe).sum(), *world.backbone);
    for (size_t i = 0; i < got.size(); ++i) {
      if (!expected[i].defined()) continue;
      EXPECT_LT((got[i] - expected[i]).abs().max().item<double>(),
                1e-4 * std::max(1.0, expected[i].abs().max().item<double>()));
    }
  }
}

TEST(Decoder, SamplesFollowThePolicyAndTheSeed) {
  ToyWorld world;
  DecodeOptions options;
  options.scoring = Scoring::legal;
  options.search = decode::Search::sample;
  options.beams = 4000;
  const Decoder decoder(*world.backbone, world.trie, options);
  const torch::NoGradGuard no_grad;
  const std::vector<std::vector<int32_t>> one = {kPrompts[0]};
  const auto draw = [&](uint64_t seed) {
    return decoder.roll_out(decoder.prefill(one, world.context),
                            at::detail::createCPUGenerator(seed), world.context);
  };
  const Rollouts rollouts = draw(1);
  EXPECT_TRUE(torch::equal(rollouts.item_BG, draw(1).item_BG));
  EXPECT_FALSE(torch::equal(rollouts.log_prob_BG, draw(2).log_prob_BG));
  const torch::Tensor count = torch::bincount(rollouts.item_BG[0], {}, 12);
  double chi_square = 0;
  for (const Listed& leaf : naive_beams(world, one[0], 12, Scoring::legal)) {
    for (int64_t item = 0; item < 12; ++item) {
      if (world.vocabulary.ids(world.sids, item) != leaf.tokens) continue;
      const double expected = 4000 * std::exp(leaf.score);
      chi_square += std::pow(count[item].item<double>() - expected, 2) / expected;
    }
  }
  EXPECT_LT(chi_square, 35);  // 11 degrees of freedom: p < 0.0003
}

TEST(Decoder, WritesTheGreedyTextWithOneBeam) {
  ToyWorld world;
  DecodeOptions options;
  options.beams = 1;
  const decode::TextOptions texts{.max_new_tokens = 6,
                                  .eos = world.backbone->tokenizer().eos(),
                                  .num_tokens = world.backbone->tokenizer().size()};
  const auto written =
      Decoder(*world.backbone, world.trie, options).write(kPrompts, texts, world.context);
  for (size_t b = 0; b < kPrompts.size(); ++b) {
    std::vector<int32_t> context = kPrompts[b], wanted;
    for (int64_t t = 0; t < 6; ++t) {
      const auto token =
          static_cast<int32_t>(next_log_probs(*world.backbone, context).argmax().item<int64_t>());
      if (token == world.backbone->tokenizer().eos()) break;
      wanted.push_back(token);
      context.push_back(token);
    }
    ASSERT_EQ(written[b].size(), 1u);
    EXPECT_EQ(written[b][0], wanted);
  }
}

TEST(Decoder, ABeamWiderThanTheCatalogueIsAnError) {
  ToyWorld world;
  DecodeOptions options;
  options.beams = 13;
  EXPECT_NE(message_of<ConfigError>([&] {
              Decoder(*world.backbone, world.trie, options);
            }).find("only 12 SIDs"),
            std::string::npos);
}

TEST(Decoder, RefusesATemperatureOfZeroAndAModelThatAnswersNaN) {
  ToyWorld world;
  DecodeOptions options;
  options.search = decode::Search::sample;
  options.temperature = 0;
  EXPECT_NE(message_of<ConfigError>([&] {
              Decoder(*world.backbone, world.trie, options);
            }).find("temperature"),
            std::string::npos);
  {
    const torch::NoGradGuard no_grad;
    world.backbone->embedding().fill_(std::numeric_limits<float>::quiet_NaN());
  }
  options = {};
  options.beams = 3;
  EXPECT_NE(message_of<DataError>([&] {
              Decoder(*world.backbone, world.trie, options).rank(kPrompts, world.context);
            }).find("not finite"),
            std::string::npos);
}

TEST(Trie, HoldsExactlyTheCatalogue) {
  SidTable sids;
  sids.sizes = {5, 5, 5};
  sids.code_NL = torch::randint(5, {60, 3}, at::detail::createCPUGenerator(2), torch::kInt64);
  const Vocabulary vocabulary(sids, 100);
  const Trie trie = Trie::build(sids, vocabulary);
  std::set<std::vector<int32_t>> prefixes, leaves;
  for (int64_t item = 0; item < 60; ++item) {
    const auto ids = vocabulary.ids(sids, item);
    for (size_t length = 1; length <= 3; ++length)
      prefixes.emplace(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(length));
    leaves.insert(ids);
    const auto items = trie.items(trie.walk(ids));
    EXPECT_EQ(std::count(items.begin(), items.end(), item), 1);
    EXPECT_EQ(trie.leaf_group(trie.walk(ids)), sids.group_N()[static_cast<size_t>(item)]);
  }
  EXPECT_EQ(trie.num_nodes(), static_cast<int64_t>(prefixes.size()));
  EXPECT_EQ(trie.num_leaves(), static_cast<int64_t>(leaves.size()));
  EXPECT_EQ(trie.depth(), 3);
  for (const auto& prefix : prefixes) {
    const int32_t node = trie.walk(prefix);
    ASSERT_GE(node, 0);
    const auto children = trie.children(node);
    EXPECT_TRUE(std::is_sorted(children.token.begin(), children.token.end()));
    EXPECT_EQ(children.token.empty(), prefix.size() == 3);
  }
  EXPECT_EQ(trie.walk(std::vector<int32_t>{99}), -1);

  // Any three tokens, and fewer and more: they spell a SID exactly where the catalogue has it.
  int64_t spelled = 0;
  for (int64_t code = 0; code < 125; ++code) {
    std::vector<int32_t> ids = {vocabulary.id(0, code / 25), vocabulary.id(1, code / 5 % 5),
                                vocabulary.id(2, code % 5)};
    EXPECT_EQ(trie.leaf(ids) >= 0, leaves.contains(ids));
    spelled += trie.leaf(ids) >= 0;
    ids.push_back(ids.front());
    EXPECT_EQ(trie.leaf(ids), -1);
    ids.resize(2);
    EXPECT_EQ(trie.leaf(ids), -1);
  }
  EXPECT_EQ(spelled, trie.num_leaves());

  const std::vector<int64_t> allowed = {3, 17, 18};
  const Trie part = trie.restricted_to(allowed);
  std::set<int64_t> left;
  for (const int64_t item : allowed) left.insert(sids.group_N()[static_cast<size_t>(item)]);
  EXPECT_EQ(part.num_leaves(), static_cast<int64_t>(left.size()));
  EXPECT_GE(part.walk(vocabulary.ids(sids, 17)), 0);
  EXPECT_NE(
      message_of<DataError>([&] { trie.restricted_to(std::vector<int64_t>{}); }).find("allow-list"),
      std::string::npos);
}

TEST(Trie, MixedLengthsWorkButPrefixesAreRefused) {
  SidTable sids;
  sids.sizes = {2, 2};
  sids.code_NL = torch::tensor({{0, -1}, {1, 0}, {1, 1}}, torch::kInt64);
  const Trie trie = Trie::build(sids, Vocabulary(sids, 10));
  EXPECT_EQ(trie.num_leaves(), 3);
  sids.code_NL[0][0] = 1;
  EXPECT_NE(message_of<DataError>([&] {
              Trie::build(sids, Vocabulary(sids, 10));
            }).find("beginning of another"),
            std::string::npos);
}

TEST(Trie, NodeCountsOfTheIndustrialCatalogue) {
  const auto folder = shared_data();
  if (folder.empty())
    GTEST_SKIP() << "the real data sets are not on this machine (TSREC_TEST_DATA)";
  TestContext context;
  const auto source = make_part<Source>("minionerec", context,
                                        {{"folder", (folder / "minionerec-industrial").string()}});
  const SidTable sids = *source->sids(source->load(context).items, context);
  const Trie trie = Trie::build(sids, Vocabulary(sids, 0));
  EXPECT_EQ(trie.num_nodes(), 6013);
  EXPECT_EQ(trie.num_leaves(), 3670);
}

}  // namespace
}  // namespace tsrec::test
