// The report's statistics against scipy and statsmodels. The goldens come from
// tests/golden/make_statistics.py.
#include <nlohmann/json.hpp>

#include "support/statistics.hpp"
#include "support/statistics/student_t.hpp"
#include "support/statistics/user_sums.hpp"
#include "support/support.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::test {
namespace {

using nlohmann::json;
using torch::Tensor;

const json& golden() {
  static const json all = json::parse(
      io::read_text(std::filesystem::path(TSREC_SOURCE_FOLDER) / "tests/golden/statistics.json"));
  return all;
}

Tensor reals(const json& values) {
  return torch::tensor(values.get<std::vector<double>>(), torch::kFloat64);
}
Tensor ids(const json& values) {
  return torch::tensor(values.get<std::vector<int64_t>>(), torch::kInt64);
}

TEST(StatisticsGolden, PermutationTestsOfFewUsersAreExact) {
  for (const json& one : golden().at("permutation")) {
    const Tensor a_S = reals(one.at("a")), b_S = reals(one.at("b")), user_S = ids(one.at("user"));
    const double p = host::permutation_test(a_S, b_S, user_S, /*permutations=*/10, /*seed=*/1);
    EXPECT_NEAR(p, one.at("p").get<double>(), 1e-12);
    EXPECT_EQ(p, host::permutation_test(b_S, a_S, user_S, 999, 2)) << "all ways, whatever the seed";
  }
}

TEST(StatisticsGolden, StandardErrorsAreClusterRobust) {
  for (const json& one : golden().at("clustered")) {
    const Tensor value_S = reals(one.at("difference")), user_S = ids(one.at("user"));
    const double error = host::standard_error(host::user_sums(value_S.unsqueeze(0), user_S));
    EXPECT_NEAR(error, one.at("standard_error").get<double>(), 1e-12);
    EXPECT_EQ(host::paired_bootstrap(value_S * 0, value_S, user_S, 10, 1).standard_error, error);
  }
}

// One row a user: then it is the textbook's paired t. Our power is that of the central t, which is
// within two per cent of the noncentral one's where users are not a handful.
TEST(StatisticsGolden, EquivalenceAndDetectableDifference) {
  for (const json& one : golden().at("paired")) {
    const Tensor a_S = reals(one.at("a")), b_S = reals(one.at("b"));
    const host::Difference difference =
        host::paired_bootstrap(a_S, b_S, torch::arange(a_S.size(0)), /*resamples=*/10, 1);
    EXPECT_NEAR(host::equivalence(difference, one.at("margin").get<double>()).p,
                one.at("p").get<double>(), 1e-12);
    const double wanted = one.at("detectable").get<double>();
    ASSERT_TRUE(host::detectable_difference(difference));
    EXPECT_NEAR(*host::detectable_difference(difference), wanted,
                (a_S.size(0) > 10 ? 0.02 : 0.1) * wanted);
  }
}

TEST(StatisticsGolden, CorrectionsOverAFamily) {
  for (const json& one : golden().at("corrections")) {
    const auto p = one.at("p").get<std::vector<double>>();
    for (const host::Correction how :
         {host::Correction::holm, host::Correction::benjamini_hochberg}) {
      const auto wanted = one.at(host::name_of(how)).get<std::vector<double>>();
      const std::vector<double> found = host::adjusted(p, how);
      ASSERT_EQ(found.size(), wanted.size());
      for (size_t i = 0; i < p.size(); ++i) EXPECT_NEAR(found[i], wanted[i], 1e-12);
      EXPECT_EQ(host::correction_named(host::name_of(how)), how);
    }
  }
  EXPECT_TRUE(host::benjamini_hochberg({}).empty());
}

TEST(StatisticsGolden, McNemar) {
  for (const json& one : golden().at("mcnemar")) {
    const auto only_a = one.at("only_a").get<int64_t>(), only_b = one.at("only_b").get<int64_t>();
    const Tensor a_S = torch::cat({torch::ones({only_a}), torch::zeros({only_b})});
    EXPECT_NEAR(host::mcnemar(a_S, 1 - a_S), one.at("p").get<double>(), 1e-10);
  }
}

TEST(StatisticsGolden, StudentsDistribution) {
  for (const json& one : golden().at("student")) {
    const auto degrees = one.at("degrees").get<double>(), tail = one.at("tail").get<double>(),
               quantile = one.at("quantile").get<double>();
    EXPECT_NEAR(host::student_tail(one.at("t").get<double>(), degrees), tail, 1e-9 * tail);
    EXPECT_NEAR(host::student_quantile(one.at("share").get<double>(), degrees), quantile,
                1e-7 * std::abs(quantile))
        << degrees;
  }
}

}  // namespace
}  // namespace tsrec::test
