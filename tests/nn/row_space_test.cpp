#include "tsrec/nn/row_space.hpp"

#include <gtest/gtest.h>

namespace tsrec::nn {
namespace {

using Rows = std::vector<std::vector<double>>;

Rows rows_of(const torch::Tensor& x_ND) {
  const torch::Tensor exact_ND = x_ND.to(torch::kFloat64).contiguous();
  const double* x = exact_ND.const_data_ptr<double>();
  const auto width = static_cast<size_t>(x_ND.size(1));
  Rows rows;
  for (int64_t n = 0; n < x_ND.size(0); ++n, x += width) rows.emplace_back(x, x + width);
  return rows;
}

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double squares = 0;
  for (size_t d = 0; d < a.size(); ++d) squares += (a[d] - b[d]) * (a[d] - b[d]);
  return std::sqrt(squares);
}

double mean_length(const Rows& rows) {
  double sum = 0;
  for (const auto& row : rows) sum += distance(row, std::vector<double>(row.size(), 0.0));
  return sum / static_cast<double>(rows.size());
}

// Mean distance to the nearest of `words`; where they are the words themselves, to another one.
double mean_nearest(const Rows& rows, const Rows& words, bool are_words) {
  double sum = 0;
  for (size_t n = 0; n < rows.size(); ++n) {
    double nearest = std::numeric_limits<double>::infinity();
    for (size_t v = 0; v < words.size(); ++v) {
      if (!are_words || v != n) nearest = std::min(nearest, distance(rows[n], words[v]));
    }
    sum += nearest;
  }
  return sum / static_cast<double>(rows.size());
}

// tr(C)^2 / tr(C C), which needs no axes.
double participation(const torch::Tensor& x_ND) {
  const torch::Tensor covariance_DD = torch::cov(x_ND.to(torch::kFloat64).t(), /*correction=*/0);
  return covariance_DD.trace().square().item<double>() /
         torch::matmul(covariance_DD, covariance_DD).trace().item<double>();
}

TEST(RowSpace, MeasuresByTheWords) {
  const torch::Tensor word_VD = torch::randn({60, 7}) + 0.5;
  const torch::Tensor row_ND = 2 * torch::randn({11, 7}) - 1;
  const RowPlace place = WordSpace(word_VD).place_of(row_ND);
  const Rows words = rows_of(word_VD), rows = rows_of(row_ND);
  EXPECT_NEAR(place.length, mean_length(rows) / mean_length(words), 1e-9);
  EXPECT_NEAR(place.nearest, mean_nearest(rows, words, false) / mean_nearest(words, words, true),
              1e-9);
  EXPECT_NEAR(place.dimensions, participation(row_ND) / participation(word_VD), 1e-9);
}

// Words with a variance of 9 along one axis and little along four others: nine tenths lie there.
TEST(RowSpace, KnowsTheAxesThatWordsSpreadAlong) {
  const torch::Tensor spread_5 = torch::tensor({3.0, 0.2, 0.2, 0.2, 0.2});
  const torch::Tensor word_VD = torch::randn({4000, 5}) * spread_5;
  const WordSpace space(word_VD);
  const double words = space.place_of(word_VD).inside;
  EXPECT_NEAR(words, 1, 1e-9);
  torch::Tensor along_ND = torch::zeros({20, 5}), across_ND = torch::zeros({20, 5});
  along_ND.select(1, 0) = torch::randn({20}) * 3;
  across_ND.select(1, 3) = torch::randn({20}) * 30;
  EXPECT_NEAR(space.place_of(along_ND).inside, 1 + 4 * 0.04 / 9, 2e-2);
  EXPECT_LT(space.place_of(across_ND).inside, 0.05);
}

TEST(RowSpace, ASampleOfTheWordsIsMeasuredAgainstAll) {
  const torch::Tensor word_VD = torch::randn({500, 6});
  const torch::Tensor row_ND = torch::randn({300, 6});
  const double all = WordSpace(word_VD, /*sampled=*/500).place_of(row_ND).nearest;
  const double some = WordSpace(word_VD, /*sampled=*/250).place_of(row_ND).nearest;
  EXPECT_NE(all, some);
  EXPECT_NEAR(all, some, 0.15 * all);
  EXPECT_NEAR(all, 1, 0.15);
}

TEST(RowSpace, CopiesOfWordsAreAtNoDistance) {
  const torch::Tensor word_VD = torch::randn({50, 8});
  EXPECT_NEAR(WordSpace(word_VD).place_of(word_VD.slice(0, 10, 20)).nearest, 0, 1e-6);
  const RowPlace one = WordSpace(word_VD).place_of(word_VD.slice(0, 3, 4).repeat({9, 1}));
  EXPECT_NEAR(one.dimensions, 0, 1e-9) << "rows that are all alike spread over nothing";
}

TEST(RowSpace, RefusesWordsThatShowNothing) {
  EXPECT_THROW(WordSpace(torch::ones({5, 3})), DataError);
  EXPECT_THROW(WordSpace(torch::randn({1, 3})), DataError);
  EXPECT_THROW(WordSpace(torch::full({5, 3}, std::nan(""))), DataError);
}

// No plane shows more of the variance than the principal one, and it shows what it says.
TEST(RowSpace, ThePlaneShowsMostOfTheVariance) {
  const torch::Tensor x_ND = torch::randn({80, 5}) * torch::tensor({1.0, 4.0, 0.5, 2.0, 0.1});
  const PrincipalPlane plane = principal_plane(x_ND);
  const auto variance = [](const torch::Tensor& at_N2) {
    return (at_N2 - at_N2.mean(0)).square().sum().item<double>() / 80;
  };
  const torch::Tensor exact_ND = x_ND.to(torch::kFloat64);
  const torch::Tensor at_N2 = torch::matmul(exact_ND - plane.mean_D, plane.axis_D2);
  const double all = variance(exact_ND), shown = variance(at_N2);
  EXPECT_NEAR(shown / all, plane.share, 1e-9);
  EXPECT_NEAR(at_N2.mean().item<double>(), 0, 1e-9);
  for (int i = 0; i < 50; ++i) {
    const auto [axis_D2, ignored] =
        torch::linalg_qr(torch::randn({5, 2}, torch::kFloat64), "reduced");
    EXPECT_LE(variance(torch::matmul(exact_ND, axis_D2)), shown + 1e-9);
  }
  EXPECT_TRUE(plane.axis_D2.allclose(principal_plane(x_ND).axis_D2));
  EXPECT_THROW(principal_plane(torch::ones({4, 3})), DataError);
}

}  // namespace
}  // namespace tsrec::nn
