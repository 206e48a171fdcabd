#include <Eigen/Cholesky>
#include <random>

#include "plugins/recommender/lists.hpp"

namespace tsrec::test {
namespace linear_models {  // unity builds: other tests of the folder have toys as well

Items numbered_items(int64_t count) {
  std::vector<std::string> keys;
  for (int64_t i = 0; i < count; ++i) keys.push_back(std::to_string(i));
  return Items(keys);
}

// Users' rows in no order, of histories in which items come twice; some items occur nowhere.
Dataset random_data(int64_t num_items, uint32_t seed) {
  std::mt19937 draw(seed);
  const auto item = [&] { return static_cast<int64_t>(draw() % static_cast<uint32_t>(num_items)); };
  const auto rows = [&](int64_t count, int64_t shortest) {
    SamplesBuilder builder;
    for (int64_t row = 0; row < count; ++row) {
      std::vector<int64_t> history(static_cast<size_t>(shortest + draw() % 7));
      for (int64_t& entry : history) entry = std::min(item(), num_items - 3);
      builder.add(/*user=*/static_cast<int64_t>(draw() % 25), history,
                  std::min(item(), num_items - 3), row);
    }
    return builder.build();
  };
  Dataset data;
  data.items = numbered_items(num_items);
  data.train = rows(60, 1);
  data.test = rows(40, 0);
  data.valid = Samples::empty();
  return data;
}

// Whether user u (any number) has item i: [25, N].
Eigen::MatrixXd users_by_items(const Dataset& data) {
  Eigen::MatrixXd x = Eigen::MatrixXd::Zero(25, data.items.size());
  for (int64_t row = 0; row < data.train.size(); ++row) {
    x(data.train.user(row), data.train.target(row)) = 1;
    for (const int64_t item : data.train.history(row)) x(data.train.user(row), item) = 1;
  }
  return x;
}

// Every item's w(a, .) as the formula has it, in matrices of N x N.
Eigen::MatrixXd knn_weights(const Eigen::MatrixXd& x, int64_t neighbours, double shrink) {
  const int64_t N = x.cols();
  const Eigen::MatrixXd shared = x.transpose() * x;
  Eigen::MatrixXd w = Eigen::MatrixXd::Zero(N, N);
  for (int64_t a = 0; a < N; ++a) {
    std::vector<std::tuple<double, double, int64_t>> order;
    for (int64_t b = 0; b < N; ++b) {
      if (a == b || shared(a, b) == 0) continue;
      const double cosine = shared(a, b) / (std::sqrt(shared(a, a) * shared(b, b)) + shrink);
      order.emplace_back(-cosine, -shared(b, b), b);
    }
    std::sort(order.begin(), order.end());
    for (size_t k = 0; k < order.size() && static_cast<int64_t>(k) < neighbours; ++k)
      w(a, std::get<2>(order[k])) = -std::get<0>(order[k]);
  }
  return w;
}

// The ridge regression of each item on all the others, one by one: what Steck's closed form solves.
Eigen::MatrixXd ridge_weights(const Eigen::MatrixXd& x, double lambda) {
  const int64_t N = x.cols();
  Eigen::MatrixXd w = Eigen::MatrixXd::Zero(N, N);
  for (int64_t b = 0; b < N; ++b) {
    std::vector<int64_t> others;
    for (int64_t a = 0; a < N; ++a) {
      if (a != b) others.push_back(a);
    }
    const Eigen::MatrixXd rest = x(Eigen::all, others);
    Eigen::MatrixXd gram = rest.transpose() * rest;
    gram.diagonal().array() += lambda;
    const Eigen::VectorXd solution = gram.ldlt().solve(rest.transpose() * x.col(b));
    for (size_t i = 0; i < others.size(); ++i) w(others[i], b) = solution(static_cast<int64_t>(i));
  }
  return w;
}

struct Asked {
  double decay = 1;
  bool repeats = false;
};

// The whole list of a history: (seen, score, users, number) of every item, sorted.
struct Place {
  bool is_seen;
  double score, users;
  int64_t item;
  bool operator<(const Place& other) const {
    return std::tuple(is_seen, -score, -users, item) <
           std::tuple(other.is_seen, -other.score, -other.users, other.item);
  }
};
std::vector<Place> sorted_places(std::span<const int64_t> history, const Eigen::MatrixXd& w,
                                 const Eigen::MatrixXd& x, const Asked& asked) {
  Eigen::VectorXd score = Eigen::VectorXd::Zero(w.cols());
  std::set<int64_t> seen;
  for (size_t j = 0; j < history.size(); ++j) {
    const int64_t item = history[history.size() - 1 - j];
    if (seen.insert(item).second)
      score += std::pow(asked.decay, static_cast<double>(j)) * w.row(item).transpose();
  }
  std::vector<Place> places;
  for (int64_t item = 0; item < w.cols(); ++item)
    places.push_back({!asked.repeats && seen.contains(item), score(item), x.col(item).sum(), item});
  std::sort(places.begin(), places.end());
  return places;
}

// Lists may differ only among items whose scores differ by less than `tolerance`.
void expect_lists(const Rankings& rankings, const Dataset& data, const Eigen::MatrixXd& w,
                  const Eigen::MatrixXd& x, const Asked& asked, double tolerance) {
  int64_t equal = 0;
  for (int64_t row = 0; row < data.test.size(); ++row) {
    const auto wanted = sorted_places(data.test.history(row), w, x, asked);
    std::map<int64_t, Place> place_of;
    for (const Place& place : wanted) place_of.emplace(place.item, place);
    for (int64_t m = 0; m < rankings.item_SM.size(1); ++m) {
      const Place& here = wanted[static_cast<size_t>(m)];
      const int64_t item = rankings.item_SM[row][m].item<int64_t>();
      const Place& listed = place_of.at(item);
      equal += item == here.item;
      EXPECT_EQ(listed.is_seen, here.is_seen) << "row " << row << " place " << m;
      if (here.is_seen) continue;
      EXPECT_NEAR(listed.score, here.score, tolerance) << "row " << row << " place " << m;
      EXPECT_NEAR(rankings.score_SM[row][m].item<double>(), here.score, tolerance + 1e-6);
    }
  }
  EXPECT_GT(equal, rankings.item_SM.numel() * 9 / 10);
}

std::string text(bool value) { return value ? "true" : "false"; }

TEST(ItemKnn, ListsAreThoseOfTheFormulaInMatrices) {
  uint32_t seed = std::random_device()();
  SCOPED_TRACE(c10::str("seed ", seed));
  for (const int64_t neighbours : {1, 3, 100}) {
    for (const double shrink : {0.0, 2.5}) {
      for (const Asked& asked : {Asked{1, false}, Asked{0.7, true}, Asked{0, false}}) {
        const Dataset data = random_data(/*num_items=*/30, ++seed);
        const Eigen::MatrixXd x = users_by_items(data);
        const Rankings rankings = lists_of("item_knn",
                                           {{"neighbours", std::to_string(neighbours)},
                                            {"shrink", std::to_string(shrink)},
                                            {"decay", std::to_string(asked.decay)},
                                            {"repeats", text(asked.repeats)}},
                                           data, /*length=*/30);
        expect_lists(rankings, data, knn_weights(x, neighbours, shrink), x, asked, 1e-12);
      }
    }
  }
}

TEST(Ease, ListsAreThoseOfTheRidgeRegressions) {
  uint32_t seed = std::random_device()();
  SCOPED_TRACE(c10::str("seed ", seed));
  for (const double lambda : {0.5, 20.0}) {
    for (const Asked& asked : {Asked{1, false}, Asked{0.7, true}, Asked{0, false}}) {
      const Dataset data = random_data(/*num_items=*/30, ++seed);
      const Eigen::MatrixXd x = users_by_items(data);
      const Rankings rankings = lists_of("ease",
                                         {{"lambda", std::to_string(lambda)},
                                          {"decay", std::to_string(asked.decay)},
                                          {"repeats", text(asked.repeats)}},
                                         data, /*length=*/30);
      expect_lists(rankings, data, ridge_weights(x, lambda), x, asked, 1e-5);
    }
  }
}

// Users 0 .. 3 have {0, 1}, {0, 2}, {1, 3}, {3, 4}: two users each of 0, 1 and 3, one of 2 and 4.
Dataset small_data(std::vector<int64_t> asked) {
  Dataset data;
  data.items = numbered_items(6);
  SamplesBuilder train, test;
  train.add(3, std::vector<int64_t>{4}, 3, 0);
  train.add(0, std::vector<int64_t>{1, 1}, 0, 0);
  train.add(1, std::vector<int64_t>{2}, 0, 0);
  train.add(2, std::vector<int64_t>{3}, 1, 0);
  test.add(9, asked, 5, 0);
  data.train = train.build();
  data.test = test.build();
  data.valid = Samples::empty();
  return data;
}

std::vector<int64_t> first_list(const Rankings& rankings) {
  const torch::Tensor list = rankings.item_SM[0].contiguous();
  return {list.const_data_ptr<int64_t>(), list.const_data_ptr<int64_t>() + list.numel()};
}

TEST(ItemKnn, EqualScoresComeByUsersThenByNumber) {
  // 0 shares one user with 1 (two users: 1/2) and one with 2 (one user: 1/sqrt 2). The others score
  // 0: 3 has two users, 4 one, 5 none. What was seen stands at the end.
  EXPECT_EQ(first_list(lists_of("item_knn", {{"shrink", "0"}}, small_data({0}), 6)),
            (std::vector<int64_t>{2, 1, 3, 4, 5, 0}));
  EXPECT_EQ(
      first_list(lists_of("item_knn", {{"shrink", "0"}, {"repeats", "true"}}, small_data({0}), 6)),
      (std::vector<int64_t>{2, 1, 0, 3, 4, 5}));
  // 1 speaks for 0 and 3 alike, and both have two users.
  EXPECT_EQ(first_list(lists_of("item_knn", {}, small_data({1}), 6)),
            (std::vector<int64_t>{0, 3, 2, 4, 5, 1}));
  // Nobody has 5, and an empty history says nothing: popular items.
  for (const std::vector<int64_t>& nothing : {std::vector<int64_t>{5}, std::vector<int64_t>{}}) {
    for (const char* name : {"item_knn", "ease"}) {
      const auto list = first_list(lists_of(name, {}, small_data(nothing), 4));
      EXPECT_EQ(list, (std::vector<int64_t>{0, 1, 3, 2})) << name;
    }
  }
}

TEST(ItemKnn, MemoryDoesNotGrowWithItemsTimesItems) {
  Dataset data = small_data({0});
  data.items = numbered_items(1'000'000);  // a matrix would have 8 TB
  EXPECT_EQ(first_list(lists_of("item_knn", {{"shrink", "0"}}, data, 5)),
            (std::vector<int64_t>{2, 1, 3, 4, 5}));
}

TEST(Ease, TooManyItemsAreRefusedBeforeAnythingIsAllocated) {
  TestContext context;
  Dataset data = small_data({0});
  data.items = numbered_items(1'000'000);
  const std::string refusal = message_of<DataError>([&] {
    make_part<Recommender>("ease", context)->fit({data, nullptr}, context);
  });
  EXPECT_TRUE(contains(refusal, "1000000 items")) << refusal;
  EXPECT_TRUE(contains(refusal, "use item_knn")) << refusal;
  // 6 x 6 numbers of 8 bytes, four times, are 1152 bytes.
  const auto fits = [&](const char* gibibytes) {
    make_part<Recommender>("ease", context, {{"memory", gibibytes}})
        ->fit({small_data({0}), nullptr}, context);
  };
  fits("1.08e-6");
  EXPECT_TRUE(contains(message_of<DataError>([&] { fits("1.07e-6"); }), "use item_knn"));
}

TEST(Linear, NoTrainingRowsAreRefused) {
  TestContext context;
  Dataset data = small_data({0});
  data.train = Samples::empty();
  for (const char* name : {"item_knn", "ease"}) {
    EXPECT_TRUE(contains(message_of<DataError>([&] {
                           make_part<Recommender>(name, context)->fit({data, nullptr}, context);
                         }),
                         "the train split has no rows"));
  }
}

}  // namespace linear_models
}  // namespace tsrec::test
