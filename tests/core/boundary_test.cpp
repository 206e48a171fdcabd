// What is let through at the boundary and what is not, beyond what whole runs try
// (tests/host/faulty_parts_test.cpp).
#include "tsrec/boundary.hpp"

#include <cmath>

#include "support/support.hpp"

namespace tsrec::test {
namespace {

std::string refused(const std::function<void()>& look) { return message_of<BrokenPart>(look); }

TEST(Boundary, DescribesTypeAndShape) {
  EXPECT_EQ(boundary::described({}), "nothing");
  EXPECT_EQ(boundary::described(torch::zeros({2, 3})), "float32 [2, 3]");
  EXPECT_EQ(boundary::described(torch::zeros({0}, torch::kInt64)), "int64 [0]");
  EXPECT_EQ(boundary::described(torch::zeros({}, torch::kBFloat16)), "bfloat16 []");
}

TEST(Boundary, FloatsOfAnyLayoutAreLookedAtInTheirOrder) {
  const auto look = [](const torch::Tensor& x) {
    return [x] { boundary::check_floats(x, {3, 4}, "f()", "a row for each"); };
  };
  EXPECT_NO_THROW(look(torch::randn({3, 4}))());
  EXPECT_NO_THROW(look(torch::randn({4, 3}).t())());
  EXPECT_NO_THROW(look(torch::randn({3, 1}).expand({3, 4}))());
  torch::Tensor turned = torch::randn({4, 3}).t();
  turned[2][0] = -HUGE_VAL;
  EXPECT_EQ(refused(look(turned)),
            "f() gave an infinite value in row 2 of float32 [3, 4]; expected finite values, a row "
            "for each");
  EXPECT_EQ(refused(look({})), "f() gave nothing; expected float32 [3, 4], a row for each");
  EXPECT_NE(refused(look(torch::randn({3, 4}).to_sparse())), "");
  EXPECT_NO_THROW(boundary::check_floats(torch::zeros({0, 4}), {0, 4}, "f()", ""));
}

// Every element, and the order of all of them, counts.
TEST(Boundary, AnInputThatWasWrittenIntoShows) {
  TestContext context;
  for (const auto type : {torch::kFloat32, torch::kInt64, torch::kBFloat16, torch::kUInt8}) {
    for (const int64_t count : {1, 3, 7, 64, 1001}) {
      torch::Tensor x = torch::randint(1, 100, {count}, context.generator("x", count)).to(type);
      const boundary::Untouched given({x});
      EXPECT_NO_THROW(given.check("f()", "x"));
      const torch::Tensor place =
          torch::randint(0, count, {1}, context.generator("place", count), torch::kInt64);
      x.index_add_(0, place, torch::ones({1}, type));
      EXPECT_EQ(refused([&] { given.check("f()", "x"); }),
                "f() wrote into x; expected to find them as they were");
      x.index_add_(0, place, torch::full({1}, type == torch::kUInt8 ? 255 : -1, type));
      EXPECT_NO_THROW(given.check("f()", "x"));
    }
  }
  torch::Tensor rows = torch::arange(64, torch::kFloat32).view({8, 8});
  const boundary::Untouched given({rows});
  rows.copy_(rows.index_select(
      0, torch::tensor({1, 0, 2, 3, 4, 5, 6, 7}, torch::kInt64)));  // the same sum
  EXPECT_NE(refused([&] { given.check("f()", "x"); }), "");
  // Signs of a column: one bit each, in the same place of many words.
  for (int64_t column = 0; column < 8; ++column) {
    torch::Tensor signs = torch::ones({6, 8});
    const boundary::Untouched before({signs});
    signs.select(1, column).neg_();
    EXPECT_NE(refused([&] { before.check("f()", "x"); }), "") << column;
  }
  const boundary::Untouched nothing({torch::Tensor()});
  EXPECT_NO_THROW(nothing.check("f()", "x"));
}

SidTable table(std::vector<int64_t> codes, int64_t items) {
  return {torch::tensor(codes, torch::kInt64).view({items, -1}), {4, 4}};
}

TEST(Boundary, SidsAreWholeAndBeginNoOthers) {
  const auto look = [](std::vector<int64_t> codes, int64_t items = 2) {
    return refused([&] { boundary::check_sids(table(codes, items), items, "resolve()"); });
  };
  EXPECT_NO_THROW(boundary::check_sids(table({0, 1, 0, 1}, 2), 2, "resolve()"));
  EXPECT_NO_THROW(boundary::check_sids(table({0, -1, 1, 1}, 2), 2, "resolve()"));
  EXPECT_TRUE(contains(look({0, -1, 0, 1}), "make no tree"));
  EXPECT_TRUE(contains(look({-1, 1, 0, 1}), "item 0 the code -1 at level 0; expected 0 .. 3"));
  EXPECT_TRUE(contains(look({0, 4, 0, 1}), "item 0 the code 4 at level 1; expected 0 .. 3"));
  SidTable three{torch::tensor({0, -1, 1}, torch::kInt64).view({1, 3}), {4, 4, 4}};
  EXPECT_TRUE(contains(refused([&] { boundary::check_sids(three, 1, "resolve()"); }),
                       "behind the end (-1) of its SID"));
  three.sizes.clear();
  EXPECT_TRUE(contains(refused([&] { boundary::check_sids(three, 1, "resolve()"); }), "0 levels"));
}

TEST(Boundary, CollisionsOfBeforeMayStayAndNewOnesMayNot) {
  const torch::Tensor before_NL = torch::tensor({0, 0, 0, 0, 1, 1}, torch::kInt64).view({3, 2});
  const auto look = [&](std::vector<int64_t> codes) {
    return [&, codes] { boundary::check_collisions(table(codes, 3), before_NL); };
  };
  EXPECT_NO_THROW(look({0, 0, 0, 0, 1, 1})());
  EXPECT_NO_THROW(look({0, 0, 0, 1, 1, 1})());
  EXPECT_TRUE(contains(refused(look({0, 0, 0, 1, 0, 1})), "the items 1 and 2 the one SID"));
}

TEST(Boundary, ListsMayEndBeforeTheirWidth) {
  Rankings lists;
  lists.item_SM = torch::tensor({2, 0, -1, -1}, torch::kInt64).view({2, 2});
  lists.score_SM = torch::tensor({1.0F, 1.0F, 0.0F, 5.0F}).view({2, 2});
  const auto look = [&](int64_t wanted = 2, int64_t items = 3) {
    return [&lists, wanted, items] { boundary::check_rankings(lists, 2, wanted, items); };
  };
  EXPECT_NO_THROW(look()());
  EXPECT_TRUE(contains(refused(look(9)), "expected int64 [2, 3]"));
  EXPECT_TRUE(contains(refused(look(2, 2)), "the item 2 at place 0 of row 0"));
  lists.item_SM[1][1] = 1;
  EXPECT_TRUE(contains(refused(look()), "behind the end (-1) of the list"));
  lists.item_SM[1][1] = -1;
  lists.leaf_SM = lists.item_SM;
  EXPECT_TRUE(contains(refused(look()), "as leaf_SM"));
}

TEST(Boundary, NumbersAreTheMeansOfTheirRows) {
  TestContext context;
  const torch::Tensor row_S =
      torch::rand({1000}, context.generator("rows", 0), torch::kFloat64) * 1e6;
  double mean = 0;
  for (int64_t s = 0; s < 1000; ++s) mean += row_S[s].item<double>() / 1000;
  EXPECT_NO_THROW(boundary::check_numbers({{"a", mean, row_S}}, 1000, "measure()"));
  EXPECT_TRUE(contains(refused([&] {
                         boundary::check_numbers({{"a", mean + 1, row_S}}, 1000, "measure()");
                       }),
                       "but the mean of its row_S is"));
  EXPECT_TRUE(contains(refused([&] {
                         boundary::check_numbers({{"a", mean, row_S}}, {}, "measure_with()");
                       }),
                       "measure_with() gave float64 [1000] as row_S of 'a'; expected nothing"));
  EXPECT_TRUE(contains(refused([&] {
                         boundary::check_numbers({{"a", HUGE_VAL, {}}}, {}, "measure()");
                       }),
                       "inf"));
}

TEST(Boundary, RowsOfASourceFitTogether) {
  const auto look = [](const std::function<void(Dataset&)>& spoil) {
    Dataset data = kit::toy_data();
    spoil(data);
    return refused([&] { boundary::check_dataset(data); });
  };
  EXPECT_NO_THROW(boundary::check_dataset(kit::toy_data()));
  EXPECT_NO_THROW(boundary::check_dataset(kit::toy_data(0)));
  EXPECT_TRUE(contains(look([](Dataset& d) { d.valid.user_S[0] = -1; }),
                       "load() gave user -1 in valid.user_S"));
  EXPECT_TRUE(
      contains(look([](Dataset& d) { d.test.target_S[0] = -1; }), "item -1 in test.target"));
  EXPECT_TRUE(contains(look([](Dataset& d) { d.train.offset_S1[2] = 0; }), "train.offset_S1"));
  EXPECT_TRUE(contains(look([](Dataset& d) { d.train.offset_S1[0] = 1; }), "at place 0"));
  EXPECT_TRUE(contains(look([](Dataset& d) {
                         d.train.history_H = torch::cat({d.train.history_H, d.train.history_H});
                       }),
                       "train.offset_S1"));
  EXPECT_TRUE(contains(look([](Dataset& d) { d.test = Samples(); }), "nothing as test.target_S"));
  EXPECT_TRUE(contains(look([](Dataset& d) { d.valid.history_time_H = d.valid.time_S; }),
                       "as valid.history_time_H; expected int64"));
  EXPECT_TRUE(
      contains(refused([] { boundary::check_sids(kit::toy_sids(59), 60, "sids()"); }), "[59, 3]"));
}

}  // namespace
}  // namespace tsrec::test
