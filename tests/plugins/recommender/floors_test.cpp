#include <nlohmann/json.hpp>

#include "support/support.hpp"
#include "tsrec/io/files.hpp"
#include "tsrec/parts/recommender.hpp"

namespace tsrec::test {
namespace {

std::vector<int64_t> to_vector(const torch::Tensor& values) {
  return {values.const_data_ptr<int64_t>(), values.const_data_ptr<int64_t>() + values.numel()};
}

Items make_items(int64_t count) {
  std::vector<std::string> keys;
  for (int64_t i = 0; i < count; ++i) keys.push_back(std::to_string(i));
  return Items(keys);
}

Dataset toy() {
  Dataset data;
  data.items = make_items(6);
  SamplesBuilder train;
  const auto add = [&](std::vector<int64_t> history, int64_t target) {
    train.add(0, history, target, 0);
  };
  add({0}, 1);
  add({0, 1}, 2);
  add({5}, 2);
  add({0}, 4);
  add({2, 0}, 1);
  data.train = train.build();
  SamplesBuilder test;
  test.add(0, std::vector<int64_t>{1, 0}, 3, 0);
  data.test = test.build();
  data.valid = Samples::empty();
  return data;
}

std::vector<int64_t> list(const std::string& name, const Dataset& data, int64_t length) {
  TestContext context;
  const auto floor = make_part<Recommender>(name, context);
  floor->fit({data, nullptr}, context);
  const TempFolder folder;
  ArtifactWriter writer(folder.path() / "floor");
  floor->save(writer);
  writer.close();
  const auto loaded = make_part<Recommender>(name, context);
  loaded->load(ArtifactReader(folder.path() / "floor"));
  const Rankings rankings = loaded->rank(data.test, length, context);
  EXPECT_TRUE(torch::equal(rankings.item_SM, floor->rank(data.test, length, context).item_SM));
  EXPECT_FALSE(rankings.leaf_SM.defined());
  return to_vector(rankings.item_SM[0]);
}

TEST(Floors, ListsOfAToyCatalogueByHand) {
  // Targets: 1 twice, 2 twice (1 came first), 4 once; never: 0, 3, 5.
  EXPECT_EQ(list("popularity", toy(), 6), (std::vector<int64_t>{1, 2, 4, 0, 3, 5}));
  EXPECT_EQ(list("repeat_last", toy(), 5), (std::vector<int64_t>{0, 1, 2, 4, 3}));
  // From 0: 1 twice, 4 once, so 2/4 and 1/4; from 1, half as heavy: 2 once, so .5 * 1/2 = 1/4. Ties
  // by item number.
  EXPECT_EQ(list("markov", toy(), 4), (std::vector<int64_t>{1, 2, 4, 0}));
}

TEST(Floors, NoTrainingRowsIsAnError) {
  TestContext context;
  Dataset data = toy();
  data.train = Samples::empty();
  EXPECT_NE(message_of<DataError>([&] {
              make_part<Recommender>("markov", context)->fit({data, nullptr}, context);
            }).find("train"),
            std::string::npos);
}

TEST(Floors, ReachTheKnownNumbersOnScientific) {
  const auto folder = shared_data();
  if (folder.empty())
    GTEST_SKIP() << "the real data sets are not on this machine (TSREC_TEST_DATA)";
  const auto object =
      nlohmann::json::parse(io::read_text(folder / "scientific" / "Scientific.inter.json"));
  std::vector<UserSequence> users;
  for (const auto& [key, items] : object.items()) {
    UserSequence user;
    user.items = items.get<std::vector<int64_t>>();
    user.times.assign(user.items.size(), 0);
    users.push_back(user);
  }
  Dataset data;
  data.items = make_items(4344);
  split_leave_one_out(users, 50, data);
  TestContext context;
  const auto markov = make_part<Recommender>("markov", context);
  markov->fit({data.without_test(), nullptr}, context);
  const Rankings rankings = markov->rank(data.test, 10, context);
  double hits = 0, gain = 0;
  for (int64_t row = 0; row < data.test.size(); ++row) {
    for (int64_t m = 0; m < 10; ++m) {
      if (rankings.item_SM[row][m].item<int64_t>() != data.test.target(row)) continue;
      hits += 1;
      gain += 1 / std::log2(static_cast<double>(m) + 2);
    }
  }
  // An independent script reached these; its ties and its normalisation differ a little.
  EXPECT_NEAR(hits / static_cast<double>(data.test.size()), 0.0980, 0.0030);
  EXPECT_NEAR(gain / static_cast<double>(data.test.size()), 0.0723, 0.0030);
}

}  // namespace
}  // namespace tsrec::test
