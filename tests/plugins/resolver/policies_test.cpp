#include "support/support.hpp"
#include "tsrec/parts/resolver.hpp"

namespace tsrec::test {
namespace {

// Residual codes of fixed random centres, two levels.
class ToyQuantizer : public Quantizer, public HasDistances {
 public:
  explicit ToyQuantizer(int64_t codes) {
    for (int64_t level = 0; level < 2; ++level) {
      center.push_back(torch::randn(
          {codes, 3}, at::detail::createCPUGenerator(static_cast<uint64_t>(level + 1))));
    }
  }
  void fit(const torch::Tensor&, Context&) override {}
  torch::Tensor encode(const torch::Tensor& x_ND) const override {
    const torch::Tensor first = distances(x_ND, {}, 0).argmin(1);
    const torch::Tensor partial = torch::stack({first, first}, 1);
    return torch::stack({first, distances(x_ND, partial, 1).argmin(1)}, 1);
  }
  torch::Tensor decode(const torch::Tensor& code_NL) const override {
    return center[0].index_select(0, code_NL.select(1, 0)) +
           center[1].index_select(0, code_NL.select(1, 1));
  }
  std::vector<int64_t> sizes() const override { return {center[0].size(0), center[1].size(0)}; }
  void save(ArtifactWriter&) const override {}
  void load(const ArtifactReader&) override {}
  torch::Tensor distances(const torch::Tensor& x_ND, const torch::Tensor& code_NL,
                          int64_t level) const override {
    const torch::Tensor rest =
        level == 0 ? x_ND : x_ND - center[0].index_select(0, code_NL.select(1, 0));
    return (rest.unsqueeze(1) - center[static_cast<size_t>(level)].unsqueeze(0)).square().sum(2);
  }
  std::vector<torch::Tensor> center;
};

struct Toy {
  explicit Toy(int64_t items = 40, int64_t codes = 24) : quantizer(codes) {
    x_ND = 0.5 * torch::randn({items, 3}, at::detail::createCPUGenerator(8));
    code_NL = quantizer.encode(x_ND);
  }
  SidTable resolve(const std::string& policy, uint64_t seed = 17) {
    TestContext context(seed);
    return make_part<Resolver>(policy, context)->resolve({code_NL, x_ND, quantizer}, context);
  }
  ToyQuantizer quantizer;
  torch::Tensor x_ND, code_NL;
};

int64_t distinct(const SidTable& sids) {
  const auto group = sids.group_N();
  return *std::max_element(group.begin(), group.end()) + 1;
}

TEST(Policies, NoneKeepsTheCodes) {
  Toy toy;
  EXPECT_TRUE(torch::equal(toy.resolve("none").code_NL, toy.code_NL));
}

TEST(Policies, EveryItemGetsItsOwnSidUnderItsOldPrefixAndTheNearestMemberStays) {
  for (const char* policy : {"random_last", "nearest_free"}) {
    Toy toy;
    const SidTable before = toy.resolve("none"), after = toy.resolve(policy);
    ASSERT_LT(distinct(before), 40) << "the toy needs collisions";
    EXPECT_EQ(distinct(after), 40) << policy;
    EXPECT_TRUE(torch::equal(after.code_NL.select(1, 0), toy.code_NL.select(1, 0)));
    const torch::Tensor distance = (toy.quantizer.decode(toy.code_NL) - toy.x_ND).square().sum(1);
    const auto group = before.group_N();
    for (int64_t i = 0; i < 40; ++i) {
      bool nearest = true;
      for (int64_t j = 0; j < 40; ++j) {
        if (group[static_cast<size_t>(i)] != group[static_cast<size_t>(j)] || i == j) continue;
        const double here = distance[i].item<double>(), there = distance[j].item<double>();
        nearest = nearest && (here < there || (here == there && i < j));
      }
      EXPECT_EQ(torch::equal(after.code_NL[i], before.code_NL[i]), nearest)
          << policy << " item " << i;
    }
  }
}

TEST(Policies, RandomLastFollowsItsSeed) {
  Toy toy;
  EXPECT_TRUE(
      torch::equal(toy.resolve("random_last", 1).code_NL, toy.resolve("random_last", 1).code_NL));
  EXPECT_FALSE(
      torch::equal(toy.resolve("random_last", 1).code_NL, toy.resolve("random_last", 2).code_NL));
}

TEST(Policies, NearestFreeTakesCloserCodesThanRandom) {
  Toy toy;
  const auto error = [&](const char* policy) {
    return (toy.quantizer.decode(toy.resolve(policy).code_NL) - toy.x_ND)
        .square()
        .sum()
        .item<double>();
  };
  EXPECT_LT(error("nearest_free"), error("random_last"));
}

TEST(Policies, MoreItemsThanCodesIsAnError) {
  Toy toy(/*items=*/40, /*codes=*/2);
  for (const char* policy : {"random_last", "nearest_free"}) {
    const std::string message = message_of<DataError>([&] { toy.resolve(policy); });
    EXPECT_NE(message.find("has only 2 values"), std::string::npos) << message;
  }
  EXPECT_EQ(toy.resolve("none").num_items(), 40);
}

}  // namespace
}  // namespace tsrec::test
