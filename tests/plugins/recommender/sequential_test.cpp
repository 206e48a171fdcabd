// What holds for every sequential recommender: it learns, it goes on after a stop as if there had
// been none, it counts every label once.
#include <set>

#include "plugins/recommender/sequential_world.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::test {
namespace {

const std::vector<std::string> kParts = {"sasrec", "hstu", "gru4rec", "caser", "bert4rec"};

// Users who walk around a ring of items, some of them farther: the next item is always the one
// behind.
Dataset ring(int64_t num_items) {
  Dataset data;
  std::vector<std::string> keys;
  std::vector<UserSequence> users;
  for (int64_t i = 0; i < num_items; ++i) {
    keys.push_back(std::to_string(i));
    for (int64_t length = 4; length <= 7; ++length) {
      UserSequence user;
      user.user = std::ssize(users);
      for (int64_t step = 0; step < length; ++step) {
        user.items.push_back((i + step) % num_items);
        user.times.push_back(step);
      }
      users.push_back(user);
    }
  }
  data.items = Items(keys);
  split_leave_one_out(users, /*max_history=*/50, data);
  return data;
}

double hit_rate_at_1(Recommender& part, const Samples& rows) {
  TestContext context;
  const Rankings rankings = part.rank(rows, 1, context);
  return (rankings.item_SM.squeeze(1) == rows.target_S).to(torch::kFloat64).mean().item<double>();
}

// Of the rows that they learn from: a Caser that counts places from the oldest item, as
// MiniOneRec's does, knows nothing of longer histories.
TEST(Sequential, LearnsThatTheNextItemIsTheOneBehind) {
  const Dataset data = ring(25);
  for (const std::string& name : kParts) {
    // Norms behind the sums bear no larger steps.
    const std::string learning_rate = name == "bert4rec" ? "0.003" : "0.01";
    for (const std::string variant : {"original", "minionerec"}) {
      TestContext context;
      const auto part = make_part<Recommender>(name, context,
                                               {{"variant", variant},
                                                {"width", "32"},
                                                {"max_length", "8"},
                                                {"epochs", "60"},
                                                {"best_by", "cross_entropy"},
                                                {"stop_after", "0"},
                                                {"dropout", "0"},
                                                {"batch", "32"},
                                                {"learning_rate", learning_rate}});
      Dataset seen = data.without_test();
      seen.valid = seen.train;
      kit::fit(*part, {.data = seen, .sids = nullptr}, context);
      EXPECT_GE(hit_rate_at_1(*part, data.train), 0.9) << name << ", " << variant;
    }
  }
}

// The bytes of what save() writes.
std::string saved(const Recommender& part) {
  const TempFolder folder;
  ArtifactWriter writer(folder.path() / "saved");
  part.save(writer);
  writer.close();
  return io::read_text(folder.path() / "saved" / "tensors.safetensors");
}

TEST(Sequential, GoesOnAfterAStopToTheSameBytes) {
  RandomWorld world(/*num_items=*/30, /*num_users=*/20, /*longest=*/9, /*seed=*/3, Times::seconds);
  const Dataset seen = world.data.without_test();
  const RecommenderInputs inputs{.data = seen, .sids = nullptr, .x_ND = world.x_ND};
  for (const std::string& name : kParts) {
    const OptionTexts options = {
        {"batch", "4"}, {"loss", "sampled_softmax"}, {"item_vectors", "add"}};
    TestContext context;
    const auto ready = [&] {
      const auto part = make_part<Recommender>(name, context, options);
      part->fit(inputs, context);
      return part;
    };
    const auto straight = ready();
    for (int64_t index = 0; index < 12; ++index) steps_of(*straight)->step(index, context);
    const auto stopped = ready();
    for (int64_t index = 0; index < 7; ++index) steps_of(*stopped)->step(index, context);
    const TempFolder folder;
    ArtifactWriter values(folder.path() / "values"), state(folder.path() / "state");
    nn::save_values(steps_of(*stopped)->parameters(), values);
    steps_of(*stopped)->save_state(state);
    values.close();
    state.close();
    const auto resumed = ready();
    nn::load_values(steps_of(*resumed)->parameters(), ArtifactReader(folder.path() / "values"));
    steps_of(*resumed)->load_state(ArtifactReader(folder.path() / "state"));
    for (int64_t index = 7; index < 12; ++index) steps_of(*resumed)->step(index, context);
    EXPECT_EQ(saved(*straight), saved(*resumed)) << name;
    EXPECT_NE(saved(*straight), saved(*stopped)) << name;
  }
}

// What fit() says that it makes of the rows.
std::string made_of(const std::vector<std::pair<std::vector<int64_t>, int64_t>>& rows,
                    const OptionTexts& options) {
  Dataset data = ring(9);
  SamplesBuilder train;
  for (const auto& [history, target] : rows) train.add(/*user=*/4, history, target, 0);
  data.train = train.build();
  TestContext context;
  const Dataset seen = data.without_test();
  make_part<Recommender>("sasrec", context, options)->fit({.data = seen, .sids = nullptr}, context);
  return context.messages.back();
}

TEST(Sequential, RowsOfAUserBecomeItsSequence) {
  // Prefixes; one row twice; one without a history.
  EXPECT_TRUE(contains(made_of({{{}, 1}, {{1}, 2}, {{1, 2}, 3}, {{1, 2}, 3}, {{1, 2, 3}, 4}}, {}),
                       "5 rows as 1 sequences of 3 items with 3 labels"));
  // Histories cut to their two newest items go on; another history begins anew.
  EXPECT_TRUE(contains(made_of({{{1, 2}, 3}, {{2, 3}, 4}, {{3, 4}, 5}, {{7, 8}, 1}}, {}),
                       "4 rows as 2 sequences of 6 items with 4 labels"));
  // A longer sequence is cut into windows, and every label counts once.
  EXPECT_TRUE(contains(made_of({{{1}, 2}, {{1, 2}, 3}, {{1, 2, 3}, 4}}, {{"max_length", "2"}}),
                       "3 rows as 2 sequences of 3 items with 3 labels"));
  EXPECT_TRUE(contains(made_of({{{1}, 2}, {{1, 2}, 3}, {{1, 2, 3}, 4}},
                               {{"max_length", "2"}, {"variant", "minionerec"}}),
                       "3 rows as 3 sequences of 5 items with 3 labels"));
}

TEST(Sequential, EqualScoresRankByNumberAndNoHistoryByPopularity) {
  const Dataset data = ring(9), seen = data.without_test();
  TestContext context;
  const auto part = make_part<Recommender>("sasrec", context, {{"epochs", "1"}});
  part->fit({.data = seen, .sids = nullptr}, context);
  for (const nn::Parameter& parameter : steps_of(*part)->parameters())
    parameter.value.detach().zero_();
  SamplesBuilder rows;
  rows.add(0, std::vector<int64_t>{2}, 0, 0);
  rows.add(0, {}, 0, 0);
  const Rankings rankings = part->rank(rows.build(), 4, context);
  EXPECT_TRUE(torch::equal(rankings.item_SM[0], torch::tensor({0, 1, 3, 4})));
  EXPECT_TRUE(torch::equal(rankings.item_SM[1], torch::arange(4)));  // all are equally popular
  EXPECT_GT(rankings.score_SM[1][0].item<float>(), 0);
}

// All items of the histories, not only the newest that a model looks at.
TEST(Sequential, HistoriesStandBehindAllOthersUnlessTheyMayRepeat) {
  RandomWorld world(/*num_items=*/12, /*num_users=*/9, /*longest=*/9, /*seed=*/8);
  const Samples& rows = world.data.test;
  for (const std::string& name : kParts) {
    const Case of{.part = name, .options = {{"width", "6"}, {"max_length", "2"}}};
    RandomWorld same(12, 9, 9, 8), again(12, 9, 9, 8);
    Case behind = of;
    behind.options["repeats"] = "false";
    TestContext context;
    const Rankings all = Scattered(same, of).part->rank(rows, 12, context),
                   some = Scattered(again, behind).part->rank(rows, 12, context);
    for (int64_t row = 0; row < rows.size(); ++row) {
      const auto history = rows.history(row);
      const std::set<int64_t> seen(history.begin(), history.end());
      std::vector<int64_t> expected;
      for (int64_t m = 0; m < 12; ++m) {
        const int64_t item = all.item_SM[row][m].item<int64_t>();
        if (seen.contains(item)) continue;
        EXPECT_EQ(some.score_SM[row][std::ssize(expected)].item<float>(),
                  all.score_SM[row][m].item<float>());
        expected.push_back(item);
      }
      expected.insert(expected.end(), seen.begin(), seen.end());
      EXPECT_TRUE(torch::equal(some.item_SM[row], torch::tensor(expected))) << name << ", " << row;
    }
  }
}

// What is selected by is what the lists of the validation rows are worth.
TEST(Sequential, ValidatesByItsLists) {
  for (const std::string& name : kParts) {
    for (const std::string repeats : {"true", "false"}) {
      RandomWorld world(/*num_items=*/25, /*num_users=*/30, /*longest=*/9, /*seed=*/4);
      Scattered scattered(world, {.part = name, .options = {{"width", "6"}, {"repeats", repeats}}});
      const Samples& rows = world.data.valid;
      const Rankings lists = scattered.part->rank(rows, 10, scattered.context);
      double hits = 0, gain = 0;
      for (int64_t row = 0; row < rows.size(); ++row) {
        for (int64_t place = 0; place < 10; ++place) {
          if (lists.item_SM[row][place].item<int64_t>() != rows.target(row)) continue;
          hits += 1;
          gain += 1 / std::log2(static_cast<double>(place) + 2);
        }
      }
      const auto count = static_cast<double>(rows.size());
      std::map<std::string, double> said;
      for (const Number& number : steps_of(*scattered.part)->validate(scattered.context))
        said[number.name] = number.value;
      EXPECT_NEAR(said.at("hr@10"), hits / count, 1e-12) << name;
      EXPECT_NEAR(said.at("ndcg@10"), gain / count, 1e-12) << name;
      EXPECT_NEAR(said.at("loss"), 1 - gain / count, 1e-12) << name;
      EXPECT_GT(hits, 0);
    }
  }
}

TEST(Sequential, RefusesWhatItCannotLearnFrom) {
  TestContext context;
  Dataset data = ring(5);
  data.train = Samples::empty();
  EXPECT_TRUE(contains(
      message_of<DataError>([&] {
        make_part<Recommender>("sasrec", context)->fit({.data = data, .sids = nullptr}, context);
      }),
      "training rows that have a history"));
  EXPECT_TRUE(contains(message_of<Error>([&] {
                         const Dataset whole = ring(5);
                         make_part<Recommender>("sasrec", context, {{"item_vectors", "add"}})
                             ->fit({.data = whole, .sids = nullptr}, context);
                       }),
                       "needs the encoder's vectors"));
}

}  // namespace
}  // namespace tsrec::test
