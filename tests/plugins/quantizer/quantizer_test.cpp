#include "tsrec/parts/quantizer.hpp"

#include "support/support.hpp"
#include "tsrec/cluster/kmeans.hpp"

namespace tsrec::test {
namespace {

torch::Tensor random_vectors(int64_t count, int64_t width, uint64_t seed = 6) {
  return torch::randn({count, width}, at::detail::createCPUGenerator(seed));
}

TEST(KMeans, AssignmentsAreTheNearestCentresInDoublePrecision) {
  const torch::Tensor x = random_vectors(3000, 7);
  const cluster::KMeans found = cluster::kmeans(
      x, {.clusters = 20, .iterations = 15, .restarts = 2}, at::detail::createCPUGenerator(1));
  const torch::Tensor distance =
      (x.to(torch::kFloat64).unsqueeze(1) - found.center_KD.to(torch::kFloat64).unsqueeze(0))
          .square()
          .sum(2);
  const auto [smallest, label] = distance.min(1);
  EXPECT_GT((label == found.label_N).sum().item<int64_t>(), 2997);  // ties within float32 rounding
  EXPECT_NEAR(found.objective, smallest.sum().item<double>(), 1e-3);
}

TEST(KMeans, GivenCentresAreTheStartAndTiesGoToTheLowest) {
  const torch::Tensor x = random_vectors(200, 3);
  const torch::Tensor start = x.slice(0, 0, 19).clone();
  const cluster::KMeans none =
      cluster::kmeans(x, {.clusters = 19, .iterations = 0, .restarts = 5, .start_KD = start},
                      at::detail::createCPUGenerator(1));
  EXPECT_TRUE(torch::equal(none.center_KD, start));
  const cluster::KMeans once = cluster::kmeans(
      x, {.clusters = 19, .iterations = 1, .restarts = 5, .tolerance = -1, .start_KD = start},
      at::detail::createCPUGenerator(1));
  for (int64_t k = 0; k < 19; ++k) {
    const torch::Tensor mean = x.index({none.label_N == k}).to(torch::kFloat64).mean(0);
    EXPECT_LT((once.center_KD[k] - mean).abs().max().item<double>(), 1e-5) << k;
  }
  // Every centre three times, in lanes and behind them.
  const torch::Tensor thrice = torch::cat({start, start, start});
  EXPECT_TRUE(torch::equal(cluster::nearest(x, thrice).first, cluster::nearest(x, start).first));
  EXPECT_TRUE(contains(message_of<Error>([&] {
                         cluster::kmeans(x, {.clusters = 4, .start_KD = start},
                                         at::detail::createCPUGenerator(1));
                       }),
                       "expected [4, 3]"));
}

// Lloyd's iterations as the textbook has them, in double precision: every vector against every
// centre.
double plain_objective(const torch::Tensor& x_ND, const torch::Tensor& start_KD,
                       int64_t iterations) {
  const torch::Tensor x = x_ND.to(torch::kFloat64);
  torch::Tensor center = start_KD.to(torch::kFloat64);
  for (int64_t i = 0;; ++i) {
    const auto [distance, label] = torch::cdist(x, center).square().min(1);
    if (i == iterations) return distance.sum().item<double>();
    for (int64_t k = 0; k < center.size(0); ++k) {
      const torch::Tensor members = x.index({label == k});
      if (members.size(0) > 0) center[k] = members.mean(0);
    }
  }
}

// A bound for every vector and centre, one for a few centres, and one for all of them.
TEST(KMeans, BoundsSkipOnlyWhatCannotChange) {
  for (const uint64_t seed : {1, 2, 3}) {
    const int64_t width = seed == 1 ? 6 : 37;  // behind whole lanes, too
    const torch::Tensor point = random_vectors(30, width, seed);
    const torch::Tensor x =
        torch::cat({point + 0.2 * random_vectors(30, width, seed + 10),
                    random_vectors(400, width, seed + 20), point, 2 * point.slice(0, 0, 4)});
    const torch::Tensor start = x.slice(0, 0, 43).clone();
    for (const int64_t iterations : {1, 2, 5, 9, 20}) {
      const double wanted = plain_objective(x, start, iterations);
      for (const int64_t bounds : {1, 4, 11, 43}) {
        const cluster::KMeans got = cluster::kmeans(x,
                                                    {.clusters = 43,
                                                     .iterations = iterations,
                                                     .tolerance = -1,
                                                     .start_KD = start,
                                                     .bound_bytes = 4 * x.size(0) * bounds},
                                                    at::detail::createCPUGenerator(1));
        EXPECT_NEAR(got.objective / wanted, 1, 1e-5) << seed << " " << iterations << " " << bounds;
        const auto pairs = static_cast<double>(x.size(0) * 43 * (got.iterations + 1));
        EXPECT_LT(static_cast<double>(got.compared),
                  iterations == 20 && bounds == 43 ? 0.6 * pairs : pairs + 1)
            << seed;
      }
    }
  }
}

TEST(KMeans, AnEmptyClusterGetsAHalfOfTheLargest) {
  const torch::Tensor left = random_vectors(60, 9, 1) - 20, right = random_vectors(40, 9, 2) + 20;
  const torch::Tensor x = torch::cat({left, right});
  const torch::Tensor start = torch::zeros({2, 9});  // ties: the second one has no members
  const cluster::KMeans once =
      cluster::kmeans(x, {.clusters = 2, .iterations = 1, .tolerance = -1, .start_KD = start},
                      at::detail::createCPUGenerator(1));
  EXPECT_EQ(once.repaired, 1);
  const double wanted =
      ((left - left.mean(0)).square().sum() + (right - right.mean(0)).square().sum())
          .item<double>();
  EXPECT_NEAR(once.objective / wanted, 1, 1e-5);
}

TEST(KMeans, TheObjectiveNeverGrowsWithMoreSteps) {
  const torch::Tensor x = random_vectors(500, 5);
  double before = std::numeric_limits<double>::infinity();
  for (int64_t steps = 1; steps < 12; ++steps) {
    const double objective =
        cluster::kmeans(x, {.clusters = 12, .iterations = steps, .restarts = 1, .tolerance = 0},
                        at::detail::createCPUGenerator(3))
            .objective;
    EXPECT_LE(objective, before * (1 + 1e-6));
    before = objective;
  }
}

TEST(KMeans, FindsTheBestPartitionOfATinySet) {
  const torch::Tensor x = random_vectors(8, 2);
  double best = std::numeric_limits<double>::infinity();
  for (int mask = 1; mask < 128; ++mask) {  // all partitions into two sets
    double objective = 0;
    for (const bool side : {false, true}) {
      std::vector<int64_t> members;
      for (int64_t n = 0; n < 8; ++n) {
        if (((mask >> n & 1) == 1) == side) members.push_back(n);
      }
      const torch::Tensor rows = x.index_select(0, torch::tensor(members)).to(torch::kFloat64);
      objective += (rows - rows.mean(0)).square().sum().item<double>();
    }
    best = std::min(best, objective);
  }
  const cluster::KMeans found = cluster::kmeans(
      x, {.clusters = 2, .iterations = 50, .restarts = 20}, at::detail::createCPUGenerator(3));
  EXPECT_NEAR(found.objective, best, 1e-5);
}

TEST(KMeans, EmptyClustersAreRefilledAndDuplicatesDoNoHarm) {
  const torch::Tensor x = torch::cat({torch::zeros({40, 2}), random_vectors(3, 2)});
  const cluster::KMeans found =
      cluster::kmeans(x, {.clusters = 4, .iterations = 20}, at::detail::createCPUGenerator(3));
  EXPECT_NEAR(found.objective, 0, 1e-10);
  EXPECT_TRUE(
      cluster::kmeans(x, {.clusters = 10, .iterations = 5}, at::detail::createCPUGenerator(3))
          .center_KD.isfinite()
          .all()
          .item<bool>());
}

// The mean of equal vectors, rounded, need not be one of them.
TEST(KMeans, EqualVectorsFillAllClusters) {
  for (uint64_t seed = 1; seed < 40; ++seed) {
    const torch::Tensor x = random_vectors(1, 19, seed).expand({11, 19}).contiguous();
    const cluster::KMeans found = cluster::kmeans(
        x, {.clusters = 7, .iterations = 4, .tolerance = -1, .start_KD = x.slice(0, 0, 7) + 0.1},
        at::detail::createCPUGenerator(3));
    EXPECT_NEAR(found.objective, 0, 1e-8);
    EXPECT_GE(found.repaired, 6);
  }
}

TEST(KMeans, BadInputIsRefused) {
  const auto run = [](const torch::Tensor& x, int64_t clusters) {
    return message_of<DataError>(
        [&] { cluster::kmeans(x, {.clusters = clusters}, at::detail::createCPUGenerator(3)); });
  };
  EXPECT_NE(run(random_vectors(5, 2), 6).find("6 clusters of 5 vectors"), std::string::npos);
  torch::Tensor damaged = random_vectors(5, 2);
  damaged[1][1] = std::nan("");
  EXPECT_NE(run(damaged, 2).find("NaN"), std::string::npos);
}

struct Fitted {
  explicit Fitted(const std::string& name, std::map<std::string, std::string> options,
                  int64_t items = 300)
      : x(random_vectors(items, 6)) {
    quantizer = make_part<Quantizer>(name, context, options);
    kit::fit(*quantizer, x, context);
  }
  TestContext context;
  torch::Tensor x;
  std::shared_ptr<Quantizer> quantizer;
};

const std::map<std::string, std::map<std::string, std::string>>& quantizers() {
  static const std::map<std::string, std::map<std::string, std::string>> all = {
      {"rq_kmeans", {{"codes", "8"}}},
      {"rq_vae",
       {{"codes", "8"}, {"epochs", "30"}, {"hidden", "16 12"}, {"latent", "4"}, {"batch", "100"}}},
      {"random_codes", {{"codes", "8"}}}};
  return all;
}

TEST(Quantizers, CodesAreInRangeRowByRowAndSurviveSaving) {
  for (const auto& [name, options] : quantizers()) {
    Fitted one(name, options), same(name, options);
    const torch::Tensor codes = one.quantizer->encode(one.x);
    EXPECT_EQ(codes.sizes(), (std::vector<int64_t>{300, 3})) << name;
    EXPECT_GE(codes.min().item<int64_t>(), 0);
    EXPECT_LT(codes.max().item<int64_t>(), 8);
    EXPECT_TRUE(torch::equal(codes, same.quantizer->encode(one.x)))
        << name << " is a function of its seed";
    EXPECT_TRUE(torch::equal(codes.slice(0, 7, 8), one.quantizer->encode(one.x.slice(0, 7, 8))))
        << name;
    EXPECT_EQ(one.quantizer->encode(one.x.slice(0, 0, 0)).size(0), 0) << name;
    EXPECT_EQ(one.quantizer->sizes(), (std::vector<int64_t>{8, 8, 8}));
    const TempFolder folder;
    ArtifactWriter writer(folder.path() / "q");
    one.quantizer->save(writer);
    writer.close();
    const auto loaded = make_part<Quantizer>(name, one.context, options);
    loaded->load(ArtifactReader(folder.path() / "q"));
    EXPECT_TRUE(torch::equal(codes, loaded->encode(one.x))) << name;
    EXPECT_TRUE(torch::equal(one.quantizer->decode(codes), loaded->decode(codes))) << name;
  }
}

TEST(RqKMeans, ResidualEnergyNeverGrowsAndDecodeIsTheSumOfCentres) {
  Fitted fitted("rq_kmeans", {{"codes", "8"}, {"levels", "4"}});
  const torch::Tensor codes = fitted.quantizer->encode(fitted.x);
  const auto* distances = dynamic_cast<const HasDistances*>(fitted.quantizer.get());
  ASSERT_NE(distances, nullptr);
  double before = fitted.x.square().sum().item<double>();
  for (int64_t level = 0; level < 4; ++level) {
    const torch::Tensor distance = distances->distances(fitted.x, codes, level);
    EXPECT_TRUE(torch::equal(distance.argmin(1), codes.select(1, level)));
    const double energy = distance.gather(1, codes.slice(1, level, level + 1)).sum().item<double>();
    EXPECT_LE(energy, before * (1 + 1e-6));
    before = energy;
  }
  EXPECT_NEAR((fitted.quantizer->decode(codes) - fitted.x).square().sum().item<double>(), before,
              1e-2);
}

TEST(RqVae, LearnsToReconstruct) {
  Fitted fitted("rq_vae", {{"codes", "16"},
                           {"epochs", "150"},
                           {"hidden", "32"},
                           {"latent", "6"},
                           {"batch", "300"},
                           {"learning_rate", "0.005"}});
  const double error = (fitted.quantizer->decode(fitted.quantizer->encode(fitted.x)) - fitted.x)
                           .square()
                           .mean()
                           .item<double>();
  EXPECT_LT(error, 0.6 * fitted.x.square().mean().item<double>());
}

// Of one data set the largest code is nearly as large either way; of several the balanced
// assignment shows.
TEST(RqVae, SinkhornSpreadsTheLastCodes) {
  int64_t nearest = 0, balanced = 0;
  for (int repeat = 0; repeat < 6; ++repeat) {
    const torch::Tensor x = random_vectors(300, 6).pow(3);  // a dense middle, long tails
    const auto largest_share = [&](const char* sinkhorn) {
      TestContext context;
      const auto quantizer = make_part<Quantizer>("rq_vae", context,
                                                  {{"codes", "8"},
                                                   {"levels", "1"},
                                                   {"epochs", "60"},
                                                   {"evaluate_every", "60"},
                                                   {"hidden", "16"},
                                                   {"latent", "4"},
                                                   {"batch", "300"},
                                                   {"learning_rate", "0.01"},
                                                   {"sinkhorn", sinkhorn}});
      kit::fit(*quantizer, x, context);
      return torch::bincount(quantizer->encode(x).flatten(), {}, 8).max().item<int64_t>();
    };
    nearest += largest_share("0");
    balanced += largest_share("0.05");
  }
  EXPECT_LT(balanced, nearest);
}

TEST(Quantizers, TooManyCodesAndNanAreErrors) {
  for (const std::string name : {"rq_kmeans", "rq_vae"}) {
    TestContext context;
    const auto quantizer = make_part<Quantizer>(name, context, {{"codes", "50"}});
    EXPECT_NE(
        message_of<DataError>([&] { quantizer->fit(random_vectors(20, 3), context); }).find("50"),
        std::string::npos)
        << name;
    torch::Tensor damaged = random_vectors(100, 3);
    damaged[4][0] = std::numeric_limits<float>::infinity();
    EXPECT_NE(message_of<DataError>([&] { quantizer->fit(damaged, context); }).find("NaN"),
              std::string::npos)
        << name;
  }
}

TEST(RandomCodes, AreUniformAndIndependentOfNearness) {
  Fitted fitted("random_codes", {{"codes", "4"}}, 8000);
  const torch::Tensor codes = fitted.quantizer->encode(fitted.x);
  for (int64_t level = 0; level < 3; ++level) {
    const torch::Tensor count = torch::bincount(codes.select(1, level), {}, 4);
    EXPECT_LT((count - 2000).abs().max().item<int64_t>(), 160);  // four standard deviations
  }
  const torch::Tensor shifted = fitted.quantizer->encode(fitted.x + 1e-6);
  EXPECT_NEAR((shifted == codes).to(torch::kFloat64).mean().item<double>(), 0.25, 0.03);
}

}  // namespace
}  // namespace tsrec::test
