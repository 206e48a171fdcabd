// Maps of items' vectors and of tokens' rows, against a singular value decomposition.
#include "report/sid_map.hpp"

#include <nlohmann/json.hpp>

#include "random_sids.hpp"

namespace tsrec::test {
namespace {

using host::ItemMap;
using host::TokenMap;

// Coordinates along the two leading right singular vectors of the centred rows, the largest part of
// each positive; and the share of the squares.
std::pair<torch::Tensor, double> by_svd(const torch::Tensor& x_ND) {
  const torch::Tensor centred_ND = x_ND - x_ND.mean(0);
  const auto [u, s, v_KD] = torch::linalg_svd(centred_ND, /*full_matrices=*/false);
  torch::Tensor axis_2D = v_KD.slice(0, 0, 2).clone();
  for (int64_t axis = 0; axis < 2; ++axis) {
    if (axis_2D[axis][axis_2D[axis].abs().argmax()].item<double>() < 0) axis_2D[axis] *= -1;
  }
  return {torch::matmul(centred_ND, axis_2D.t()),
          (s.slice(0, 0, 2).square().sum() / s.square().sum()).item<double>()};
}

TEST(ItemMap, ShowsEvenlySpacedItems) {
  RandomNumbers random;
  const torch::Tensor x_ND =
      random.normal({90, 6}).to(torch::kFloat64) * torch::tensor({5., 3., 1., 1., .5, .1});
  const auto [wanted_N2, share] = by_svd(x_ND);
  const ItemMap map = host::item_map(x_ND.to(torch::kFloat32), /*most=*/40);
  ASSERT_EQ(map.items.size(), 40u);
  EXPECT_EQ(map.items[1], 2);
  EXPECT_NEAR(map.points.share, share, 1e-5);
  EXPECT_TRUE(torch::allclose(map.points.axes_N2,
                              wanted_N2.index_select(0, torch::tensor(map.items)), 1e-4, 1e-4));
  EXPECT_EQ(map.points.neighbours_N2.sizes(), (std::vector<int64_t>{40, 2}));
  EXPECT_EQ(map.points.perplexity, 13);
  EXPECT_FALSE(host::item_map(x_ND, 5).points.neighbours_N2.defined());
  EXPECT_TRUE(host::item_map(x_ND.slice(1, 0, 1)).points.axes_N2.isfinite().all().item<bool>());
}

TEST(ItemMap, ItsJsonKeepsTheScaleOfBothAxes) {
  RandomNumbers random;
  const SidTable sids = random_sids(30, random);
  const ItemMap map = host::item_map(random.normal({30, 4}));
  const auto json = host::item_map_json(map, sids, random_items(30));
  EXPECT_EQ(json["of"], 30);
  const auto x = json["axes"]["x"].get<std::vector<double>>(),
             y = json["axes"]["y"].get<std::vector<double>>();
  ASSERT_EQ(x.size(), 30u);
  const torch::Tensor at_N2 = map.points.axes_N2;
  const double unit = 1000 / (at_N2.amax(0) - at_N2.amin(0)).max().item<double>();
  for (int64_t i = 0; i < 30; ++i) {
    const auto moved = [&](const std::vector<double>& along, int64_t axis) {
      return along[static_cast<size_t>(i)] - along[0] -
             unit * (at_N2[i][axis] - at_N2[0][axis]).item<double>();
    };
    EXPECT_NEAR(moved(x, 0), 0, 1.01);
    EXPECT_NEAR(moved(y, 1), 0, 1.01);
    const int64_t code = sids.code_NL[i][0].item<int64_t>();
    EXPECT_EQ(json["code"][static_cast<size_t>(i)], code);
    EXPECT_EQ(json["tokens"][std::to_string(code)], first_codes(sids, i, 1));
  }
  for (const auto* along : {&x, &y}) {
    EXPECT_GE(*std::min_element(along->begin(), along->end()), 0);
    EXPECT_LE(*std::max_element(along->begin(), along->end()), 1000);
  }
}

TEST(TokenMap, DrawsAllModelsOnOnePlane) {
  RandomNumbers random;
  const SidTable sids = random_sids(40, random);
  const std::vector<NewToken> tokens = Vocabulary(sids, 100).tokens();
  const auto count = static_cast<int64_t>(tokens.size());
  const std::vector<host::ModelRows> models = {
      {"untrained", random.normal({count, 8}) * 3, random.normal({50, 8})},
      {"sft", random.normal({count, 8}) + 1, random.normal({50, 8})}};
  const TokenMap map = host::token_map(models, tokens, /*most=*/60);
  EXPECT_EQ(map.models, (std::vector<std::string>{"untrained", "sft"}));
  // Of each model 10 words, and all of its 12 tokens or so.
  const int64_t words = 10;
  ASSERT_EQ(map.rows.size(), static_cast<size_t>(2 * (words + count)));
  std::vector<torch::Tensor> drawn;
  size_t at = 0;
  for (int64_t m = 0; m < 2; ++m) {
    const host::ModelRows& rows = models[static_cast<size_t>(m)];
    for (int64_t i = 0; i < words; ++i, ++at) {
      EXPECT_EQ(map.rows[at].level, -1);
      EXPECT_EQ(map.rows[at].model, m);
      drawn.push_back(rows.word_VD[i * 50 / words]);
    }
    for (int64_t i = 0; i < count; ++i, ++at) {
      EXPECT_EQ(map.rows[at].token, tokens[static_cast<size_t>(i)].text);
      EXPECT_EQ(map.rows[at].level, tokens[static_cast<size_t>(i)].level);
      drawn.push_back(rows.sid_ED[i]);
    }
  }
  const auto [wanted_N2, share] = by_svd(torch::stack(drawn).to(torch::kFloat64));
  EXPECT_NEAR(map.points.share, share, 1e-9);
  EXPECT_TRUE(torch::allclose(map.points.axes_N2, wanted_N2, 1e-6, 1e-6));
  const auto json = host::token_map_json(map);
  EXPECT_EQ(json["places"].size(), 6u);
  EXPECT_EQ(json["neighbours"]["x"].size(), map.rows.size());
  EXPECT_EQ(json["token"].size(), map.rows.size());
}

}  // namespace
}  // namespace tsrec::test
