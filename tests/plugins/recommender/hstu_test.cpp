#include "plugins/recommender/sequential_world.hpp"

namespace tsrec::test {
namespace {

torch::Tensor of_length_1(const torch::Tensor& x) {
  return x / x.square().sum(-1, true).sqrt().clamp_min(1e-6);
}

torch::Tensor swish(const torch::Tensor& x) { return x / (1 + torch::exp(-x)); }

// The bias of a time in seconds: one for each factor of about 1.35.
torch::Tensor time_bias(const torch::Tensor& bias_U, int64_t seconds) {
  const double bucket = std::floor(std::log(std::max(1.0, std::fabs(double(seconds)))) / 0.301);
  return bias_U[static_cast<int64_t>(std::min(bucket, 128.0))];
}

// x + W_o (u * LN(A v)), A_ij = swish(q_i k_j + bias of i - j + bias of the time from j to what
// comes behind i) / n over the keys up to the query. The second bias stands where the block has
// one.
torch::Tensor hstu_block(const Values& p, const std::string& name, const torch::Tensor& x_nD,
                         const Row& row, int64_t heads, int64_t max_length) {
  const int64_t length = x_nD.size(0), width = x_nD.size(1), of_head = width / heads;
  const torch::Tensor uvqk =
      swish(torch::matmul(normalised(x_nD, 1e-6), p.at(name + ".uvqk.weight").t()));
  const auto part = [&](int64_t i) { return uvqk.slice(1, i * width, (i + 1) * width); };
  const torch::Tensor attended = torch::zeros_like(x_nD);
  for (int64_t h = 0; h < heads; ++h) {
    const auto head = [&](const torch::Tensor& y) {
      return y.slice(1, h * of_head, (h + 1) * of_head);
    };
    for (int64_t i = 0; i < length; ++i) {
      for (int64_t j = 0; j <= i; ++j) {
        torch::Tensor score =
            head(part(2))[i].dot(head(part(3))[j]) + p.at(name + ".distance_bias")[i - j];
        if (p.contains(name + ".time_bias")) {
          const auto next = static_cast<size_t>(i + 1);
          const int64_t behind = next < row.times.size() ? row.times[next] : row.time;
          score = score +
                  time_bias(p.at(name + ".time_bias"), behind - row.times[static_cast<size_t>(j)]);
        }
        head(attended)[i] += swish(score) / static_cast<double>(max_length) * head(part(1))[j];
      }
    }
  }
  return x_nD + linear(p, name + ".outer", part(0) * normalised(attended, 1e-6));
}

Formula hstu(int64_t blocks, int64_t heads, int64_t max_length, double temperature,
             const torch::Tensor& x_ND) {
  return [=](const Values& p, const Row& row) {
    const torch::Tensor items = item_table(p, x_ND);
    const auto length = static_cast<int64_t>(row.history.size());
    torch::Tensor x = items.index_select(0, torch::tensor(row.history)) *
                          std::sqrt(static_cast<double>(items.size(1))) +
                      p.at("positions").slice(0, 0, length);
    for (int64_t b = 0; b < blocks; ++b)
      x = hstu_block(p, c10::str("block.", b), x, row, heads, max_length);
    return torch::mv(of_length_1(items), of_length_1(x[length - 1])) / temperature;
  };
}

std::vector<Case> hstu_cases(const torch::Tensor& x_ND) {
  return {{"hstu",
           {{"width", "8"}, {"blocks", "2"}, {"temperature", "0.5"}, {"item_vectors", "add"}},
           hstu(2, 1, 50, 0.5, x_ND)},
          {"hstu",
           {{"width", "8"},
            {"blocks", "1"},
            {"heads", "2"},
            {"temperature", "0.2"},
            {"variant", "minionerec"},
            {"max_length", "4"}},
           hstu(1, 2, 4, 0.2, x_ND),
           /*max_length=*/4}};
}

// With the times of histories, and without.
TEST(Hstu, ListsAreThoseOfTheFormula) {
  for (const Times times : {Times::order, Times::seconds}) {
    RandomWorld world(/*num_items=*/19, /*num_users=*/9, /*longest=*/9, /*seed=*/6, times);
    for (const Case& of : hstu_cases(world.x_ND)) expect_lists(world, of);
  }
}

TEST(Hstu, LossAndGradientAreThoseOfTheFormula) {
  for (const Times times : {Times::order, Times::seconds}) {
    RandomWorld world(/*num_items=*/9, /*num_users=*/3, /*longest=*/6, /*seed=*/6, times);
    for (const Case& of : hstu_cases(world.x_ND)) expect_loss_and_gradient(world, of);
  }
}

// Trained for some steps, its lists of the test rows.
torch::Tensor scores_of(const Dataset& data, const std::string& time_bias) {
  TestContext context;
  const auto part =
      make_part<Recommender>("hstu", context, {{"epochs", "4"}, {"time_bias", time_bias}});
  const Dataset seen = data.without_test();
  kit::fit(*part, {.data = seen, .sids = nullptr}, context);
  return part->rank(data.test, 12, context).score_SM;
}

// All rows at other times, `by` as far apart.
Dataset moved(const RandomWorld& world, int64_t by, int64_t later) {
  Dataset data = world.data;
  for (Samples* rows : {&data.train, &data.valid, &data.test}) {
    rows->history_time_H = rows->history_time_H * by + later;
    rows->time_S = rows->time_S * by + later;
  }
  return data;
}

TEST(Hstu, TimesMatterWhereTheyAreOnAndAreKnown) {
  const RandomWorld plain(/*num_items=*/30, /*num_users=*/20, /*longest=*/9, /*seed=*/3);
  RandomWorld timed = plain;
  for (Samples* rows : {&timed.data.train, &timed.data.valid, &timed.data.test}) {
    rows->time_S = 1'000'000 + rows->time_S * 40;
    rows->history_time_H = 1'000'000 + 40 * torch::arange(rows->history_H.numel());
  }
  const torch::Tensor without = scores_of(plain.data, "off"), with = scores_of(timed.data, "on");
  EXPECT_TRUE(torch::equal(without, scores_of(plain.data, "auto")));
  EXPECT_TRUE(torch::equal(without, scores_of(timed.data, "off")));
  EXPECT_FALSE(torch::equal(without, with));
  EXPECT_TRUE(torch::equal(with, scores_of(timed.data, "auto")));
  // Differences of times are looked at, and only those.
  EXPECT_TRUE(torch::equal(with, scores_of(moved(timed, 1, 5000), "on")));
  EXPECT_FALSE(torch::equal(with, scores_of(moved(timed, 2, 0), "on")));
}

TEST(Hstu, RefusesRowsWithoutTimesWhereItLooksAtThem) {
  const Dataset timed =
      RandomWorld(/*num_items=*/30, /*num_users=*/20, /*longest=*/9, /*seed=*/3, Times::seconds)
          .data.without_test();
  Dataset plain = timed;
  for (Samples* rows : {&plain.train, &plain.valid}) rows->history_time_H = torch::Tensor();
  TestContext context;
  const auto fitted = [&](const Dataset& data, const std::string& time_bias) {
    auto part = make_part<Recommender>("hstu", context, {{"time_bias", time_bias}});
    part->fit({.data = data, .sids = nullptr}, context);
    return part;
  };
  const std::string sentence =
      "recommender 'hstu' looks at the times of a history's items, and these rows have none";
  EXPECT_TRUE(contains(message_of<DataError>([&] { fitted(plain, "on"); }), sentence));
  const auto on = fitted(timed, "auto"), off = fitted(timed, "off");
  EXPECT_TRUE(
      contains(message_of<DataError>([&] { on->rank(plain.valid, 5, context); }), sentence));
  // Where there is no history there is no time to know.
  SamplesBuilder rows;
  rows.add(0, {}, 0, 0);
  EXPECT_EQ(on->rank(rows.build(), 5, context).item_SM.size(1), 5);
  // A model that looks at none may be asked about both.
  EXPECT_TRUE(torch::equal(off->rank(plain.valid, 5, context).score_SM,
                           off->rank(timed.valid, 5, context).score_SM));
}

TEST(Hstu, AStoredModelKnowsWhetherItLooksAtTimes) {
  for (const Times times : {Times::order, Times::seconds}) {
    const RandomWorld world(/*num_items=*/30, /*num_users=*/20, /*longest=*/9, /*seed=*/3, times);
    const Dataset seen = world.data.without_test();
    TestContext context;
    const auto part = make_part<Recommender>("hstu", context, {{"epochs", "2"}});
    kit::fit(*part, {.data = seen, .sids = nullptr}, context);
    const TempFolder folder;
    ArtifactWriter writer(folder.path() / "saved");
    part->save(writer);
    writer.close();
    const ArtifactReader reader(folder.path() / "saved");
    EXPECT_EQ(reader.has_tensor("block.1.time_bias"), times == Times::seconds);
    const auto loaded = make_part<Recommender>("hstu", context);
    loaded->load(reader);
    EXPECT_TRUE(torch::equal(part->rank(world.data.test, 9, context).score_SM,
                             loaded->rank(world.data.test, 9, context).score_SM));
  }
}

}  // namespace
}  // namespace tsrec::test
