#include "tsrec/parts/encoder.hpp"

#include "support/support.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::test {
namespace {

const std::vector<std::string> kTexts = {
    "steel bolt and steel nut", "bolt of steel",   "red cotton glove", "Glove, cotton",
    "copper wire for steel",    "wire copper red", "nut bolt nut"};

Items make_items(const std::vector<std::string>& titles = kTexts) {
  std::vector<std::string> keys;
  for (size_t i = 0; i < titles.size(); ++i) keys.push_back(std::to_string(i));
  Items items(keys);
  items.set("title", titles);
  return items;
}

// The same vectors up to rotation have the same cosines: compared with a dense SVD of the formula's
// matrix.
TEST(Lsa, CosinesAreThoseOfADenseTruncatedSvd) {
  TestContext context;
  const torch::Tensor x =
      make_part<Encoder>(
          "lsa", context,
          {{"dimensions", "3"}, {"min_items", "1"}, {"bigrams", "false"}, {"columns", "title"}})
          ->encode({make_items()}, context);
  std::map<std::string, std::vector<double>> counts;
  for (size_t i = 0; i < kTexts.size(); ++i) {
    std::string text = kTexts[i];
    for (char& c : text)
      c = std::isalpha(static_cast<unsigned char>(c)) ? static_cast<char>(std::tolower(c)) : ' ';
    std::istringstream in(text);
    for (std::string word; in >> word;)
      counts.try_emplace(word, kTexts.size(), 0.0).first->second[i] += 1;
  }
  torch::Tensor matrix = torch::zeros({7, static_cast<int64_t>(counts.size())}, torch::kFloat64);
  int64_t column = 0;
  for (const auto& [word, count] : counts) {
    const auto items = static_cast<double>(
        std::count_if(count.begin(), count.end(), [](double c) { return c > 0; }));
    for (size_t i = 0; i < 7; ++i) {
      if (count[i] > 0)
        matrix[static_cast<int64_t>(i)][column] =
            (1 + std::log(count[i])) * (1 + std::log(8 / (1 + items)));
    }
    ++column;
  }
  matrix = matrix / matrix.norm(2, 1, true);
  const auto [u, s, v] = torch::linalg_svd(matrix, false);
  torch::Tensor wanted = (u * s).slice(1, 0, 3);
  wanted = wanted / wanted.norm(2, 1, true);
  EXPECT_TRUE(torch::allclose(torch::matmul(x, x.t()).to(torch::kFloat64),
                              torch::matmul(wanted, wanted.t()), 1e-4, 1e-5));
}

TEST(Lsa, IsTheSameEveryTimeAndWarnsOfEmptyTexts) {
  TestContext context;
  auto titles = kTexts;
  titles[3] = "";
  const auto encode = [&] {
    return make_part<Encoder>("lsa", context, {{"dimensions", "3"}, {"columns", "title"}})
        ->encode({make_items(titles)}, context);
  };
  const torch::Tensor x = encode();
  EXPECT_TRUE(torch::equal(x, encode()));
  EXPECT_EQ(x[3].abs().max().item<double>(), 0);
  EXPECT_TRUE(x.isfinite().all().item<bool>());
  EXPECT_NE(context.messages.front().find("1 items have no text"), std::string::npos);
}

torch::Tensor lsa(const std::vector<std::string>& titles, TestContext& context,
                  const std::string& dimensions = "8") {
  return make_part<Encoder>("lsa", context,
                            {{"dimensions", dimensions}, {"min_items", "1"}, {"columns", "title"}})
      ->encode({make_items(titles)}, context);
}

// With as many dimensions as items nothing is lost: the cosines are those of the terms.
TEST(Lsa, AllDimensionsKeepTheCosinesOfTheTerms) {
  TestContext context;
  // "a b", "b c": b is in 2 of 3 items, the others in 1; pairs count as terms.
  const torch::Tensor x = lsa({"a b", "b c", "d"}, context);
  ASSERT_EQ(x.sizes(), (std::vector<int64_t>{3, 3}));
  const double rare = 1 + std::log(4.0 / 2), common = 1 + std::log(4.0 / 3);
  const torch::Tensor cosine = torch::mm(x, x.t());
  EXPECT_NEAR(cosine[0][1].item<double>(), common * common / (common * common + 2 * rare * rare),
              1e-6);
  EXPECT_NEAR(cosine[0][2].item<double>(), 0, 1e-6);
  EXPECT_LT((cosine.diagonal() - 1).abs().max().item<double>(), 1e-6);
}

// Fewer directions than were asked for: those that there are, whatever the solver makes of the
// others.
TEST(Lsa, TheRankIsTheMostThatItGives) {
  const auto expect = [](const std::vector<std::string>& titles, int64_t rank,
                         const std::string& dimensions) {
    TestContext context;
    const torch::Tensor x = lsa(titles, context, dimensions);
    EXPECT_EQ(x.size(1), rank) << titles.front();
    EXPECT_TRUE(x.isfinite().all().item<bool>());
    EXPECT_NE(context.messages.front().find(c10::str("give only ", rank, " dimensions")),
              std::string::npos)
        << context.messages.front();
    for (size_t a = 0; a < titles.size(); ++a) {
      for (size_t b = 0; b < titles.size(); ++b) {
        const bool is_same =
            (x[static_cast<int64_t>(a)] - x[static_cast<int64_t>(b)]).abs().max().item<double>() <
            1e-5;
        EXPECT_EQ(is_same, titles[a] == titles[b]) << titles[a] << " and " << titles[b];
      }
    }
  };
  expect({"a"}, 1, "8");
  expect({"a", "b"}, 2, "8");
  const std::vector<std::string> equal(20, "red lamp"),
      long_equal(5, "a red lamp of steel for walls");
  std::vector<std::string> three;
  for (const char* title : {"red lamp", "oak rope", "pine saw"})
    three.insert(three.end(), 6, title);
  for (const std::string dimensions : {"2", "8", "19", "64"}) {
    expect(equal, 1, dimensions);
    expect(long_equal, 1, dimensions);
  }
  for (const std::string dimensions : {"4", "8", "17", "64"}) expect(three, 3, dimensions);
}

TEST(Lsa, EqualItemsAreSaidToBeEqual) {
  TestContext context;
  lsa({"red lamp", "Red Lamp", "red, lamp"}, context);
  EXPECT_NE(context.messages.back().find("the vectors of all items with a text are the same"),
            std::string::npos);
}

TEST(Lsa, ChineseTitlesThatShareAWordAreAlike) {
  TestContext context;
  const torch::Tensor x = lsa({"家用台灯", "台灯，黑色", "尼龙绳10米", "粗尼龙绳"}, context, "4");
  const torch::Tensor cosine = torch::mm(x, x.t());
  EXPECT_GT(cosine[0][1].item<double>(), 0.1);
  EXPECT_GT(cosine[2][3].item<double>(), 0.2);
  EXPECT_NEAR(cosine[0][2].item<double>(), 0, 1e-6);
}

TEST(Lsa, NoTextAtAllIsAnError) {
  TestContext context;
  const auto complaint = [&](const std::vector<std::string>& titles) {
    return message_of<DataError>(
        [&] { make_part<Encoder>("lsa", context)->encode({make_items(titles)}, context); });
  };
  EXPECT_NE(complaint({"", "", "!"}).find("no item has a word in the columns title, description;"),
            std::string::npos);
  EXPECT_NE(complaint({"a", "b", ""}).find("no term occurs in 2 items"), std::string::npos);
}

TEST(Precomputed, ReadsHalfPrecisionAndNormalizes) {
  TestContext context;
  const TempFolder folder;
  const torch::Tensor stored = torch::randn({7, 4}).to(torch::kFloat16);
  io::write_npy(folder.path() / "x.npy", stored);
  const std::string file = (folder.path() / "x.npy").string();
  EXPECT_TRUE(torch::equal(
      make_part<Encoder>("precomputed", context, {{"file", file}})->encode({make_items()}, context),
      stored.to(torch::kFloat32)));
  const torch::Tensor scaled =
      make_part<Encoder>("precomputed", context, {{"file", file}, {"normalize", "l2"}})
          ->encode({make_items()}, context);
  EXPECT_TRUE(torch::allclose(scaled.norm(2, 1), torch::ones({7})));
}

TEST(Precomputed, WrongRowsAndNanAreErrors) {
  TestContext context;
  const TempFolder folder;
  const std::string file = (folder.path() / "x.npy").string();
  const auto complaint = [&](const torch::Tensor& value) {
    io::write_npy(file, value);
    return message_of<DataError>([&] {
      make_part<Encoder>("precomputed", context, {{"file", file}})->encode({make_items()}, context);
    });
  };
  EXPECT_NE(complaint(torch::zeros({6, 4})).find("expected [7, width]"), std::string::npos);
  torch::Tensor damaged = torch::zeros({7, 4});
  damaged[5][2] = std::nan("");
  EXPECT_NE(complaint(damaged).find("the first is item 5"), std::string::npos);
}

class FixedEncoder final : public Encoder {
 public:
  explicit FixedEncoder(torch::Tensor x_ND) : x_ND_(std::move(x_ND)) {}
  torch::Tensor encode(const EncoderInputs&, Context&) override { return x_ND_; }

 private:
  torch::Tensor x_ND_;
};

Items numbered_items(int64_t count) {
  std::vector<std::string> titles;
  for (int64_t i = 0; i < count; ++i) titles.push_back("item");
  return make_items(titles);
}

torch::Tensor normalized(const torch::Tensor& x_ND, const OptionTexts& options) {
  TestContext context;
  return built_part("encoder", "normalize", options)
      .with("of", {slot_entry("fixed", std::make_shared<FixedEncoder>(x_ND))})
      .make_as<Encoder>(context)
      ->encode({numbered_items(x_ND.size(0))}, context);
}

double largest_difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a.to(torch::kFloat64) - b.to(torch::kFloat64)).abs().max().item<double>();
}

// Coordinates are free up to signs, so inner products are compared: those of the truncated singular
// value decomposition, which finds the same subspace another way.
TEST(Normalize, KeepsTheLeadingPrincipalComponents) {
  const torch::Tensor scale = torch::tensor({5.0, 3.0, 2.0, 1.0, 0.5, 0.1});
  const torch::Tensor x = torch::randn({40, 6}) * scale + 2;
  const torch::Tensor centred = (x - x.mean(0, true)).to(torch::kFloat64);
  const auto [u, s, v] = torch::linalg_svd(centred, /*full_matrices=*/false);
  const torch::Tensor u3 = u.slice(1, 0, 3), s3 = s.slice(0, 0, 3);
  const torch::Tensor reduced = normalized(x, {{"dimensions", "3"}, {"l2", "false"}});
  ASSERT_EQ(reduced.sizes(), (std::vector<int64_t>{40, 3}));
  EXPECT_LT(
      largest_difference(torch::mm(reduced, reduced.t()), torch::mm(u3 * s3.square(), u3.t())),
      1e-3);
  const torch::Tensor white =
      normalized(x, {{"dimensions", "3"}, {"whiten", "true"}, {"l2", "false"}});
  EXPECT_LT(largest_difference(torch::mm(white, white.t()), 40 * torch::mm(u3, u3.t())), 1e-3);
  EXPECT_LT(largest_difference(torch::mm(white.t(), white) / 40, torch::eye(3)), 1e-4);
  EXPECT_TRUE(torch::equal(
      white, normalized(x, {{"dimensions", "3"}, {"whiten", "true"}, {"l2", "false"}})));
}

TEST(Normalize, CentresAndScales) {
  const torch::Tensor x = torch::randn({20, 5}) + 3;
  EXPECT_LT(
      largest_difference(normalized(x, {{"center", "true"}, {"l2", "false"}}), x - x.mean(0, true)),
      1e-6);
  EXPECT_LT(largest_difference(normalized(x, {}).norm(2, 1), torch::ones({20})), 1e-6);
  EXPECT_LT(largest_difference(normalized(x, {}) * x.norm(2, 1, true), x), 1e-5);
}

TEST(Normalize, FewerItemsThanDimensionsAndEqualItems) {
  EXPECT_EQ(normalized(torch::randn({4, 9}), {{"dimensions", "8"}}).size(1), 3);
  // Rank 2, whatever their width.
  const torch::Tensor flat = torch::mm(torch::randn({20, 2}), torch::randn({2, 6})) + 3;
  const torch::Tensor white = normalized(flat, {{"whiten", "true"}, {"l2", "false"}});
  ASSERT_EQ(white.size(1), 2);
  EXPECT_LT(largest_difference(torch::mm(white.t(), white) / 20, torch::eye(2)), 1e-4);
  EXPECT_EQ(normalized(flat, {{"dimensions", "5"}}).size(1), 2);
  const torch::Tensor equal = torch::full({5, 3}, 0.1);
  for (const std::string option : {"whiten", "center"}) {
    EXPECT_NE(message_of<DataError>([&] {
                normalized(equal, {{option, "true"}});
              }).find("the vectors of 5 items are all the same"),
              std::string::npos);
  }
  EXPECT_LT(largest_difference(normalized(equal, {}), torch::full({5, 3}, std::sqrt(1.0 / 3))),
            1e-6);
  EXPECT_EQ(normalized(torch::empty({0, 3}), {{"whiten", "true"}}).size(0), 0);
}

TEST(Concat, StandsSideBySideInTheirWeights) {
  TestContext context;
  const torch::Tensor a = torch::randn({7, 3}), b = torch::randn({7, 2});
  AnySlot::Entry second = slot_entry("b", std::make_shared<FixedEncoder>(b));
  second.weight = 0.5;
  const kit::Subject subject = built_part("encoder", "concat");
  const auto both = [&](AnySlot::Entry one, AnySlot::Entry other) {
    return subject.with("of", {std::move(one), std::move(other)}).make_as<Encoder>(context);
  };
  EXPECT_TRUE(torch::equal(both(slot_entry("a", std::make_shared<FixedEncoder>(a)), second)
                               ->encode({numbered_items(7)}, context),
                           torch::cat({a, 0.5 * b}, 1)));
  const auto unequal =
      both(slot_entry("a", std::make_shared<FixedEncoder>(a.slice(0, 0, 6))), second);
  EXPECT_NE(message_of<DataError>([&] {
              unequal->encode({numbered_items(7)}, context);
            }).find("'a' gave the shape [6, 3]; expected one row for each of 7 items"),
            std::string::npos);
}

}  // namespace
}  // namespace tsrec::test
