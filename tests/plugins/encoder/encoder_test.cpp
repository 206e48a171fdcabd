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
          ->encode(make_items(), context);
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
        ->encode(make_items(titles), context);
  };
  const torch::Tensor x = encode();
  EXPECT_TRUE(torch::equal(x, encode()));
  EXPECT_EQ(x[3].abs().max().item<double>(), 0);
  EXPECT_TRUE(x.isfinite().all().item<bool>());
  EXPECT_NE(context.messages.front().find("1 items have no text"), std::string::npos);
}

TEST(Lsa, NoTextAtAllIsAnError) {
  TestContext context;
  EXPECT_NE(message_of<DataError>([&] {
              make_part<Encoder>("lsa", context)->encode(make_items({"", "", ""}), context);
            }).find("no term occurs"),
            std::string::npos);
}

TEST(Precomputed, ReadsHalfPrecisionAndNormalizes) {
  TestContext context;
  const TempFolder folder;
  const torch::Tensor stored = torch::randn({7, 4}).to(torch::kFloat16);
  io::write_npy(folder.path() / "x.npy", stored);
  const std::string file = (folder.path() / "x.npy").string();
  EXPECT_TRUE(torch::equal(
      make_part<Encoder>("precomputed", context, {{"file", file}})->encode(make_items(), context),
      stored.to(torch::kFloat32)));
  const torch::Tensor scaled =
      make_part<Encoder>("precomputed", context, {{"file", file}, {"normalize", "l2"}})
          ->encode(make_items(), context);
  EXPECT_TRUE(torch::allclose(scaled.norm(2, 1), torch::ones({7})));
}

TEST(Precomputed, WrongRowsAndNanAreErrors) {
  TestContext context;
  const TempFolder folder;
  const std::string file = (folder.path() / "x.npy").string();
  const auto complaint = [&](const torch::Tensor& value) {
    io::write_npy(file, value);
    return message_of<DataError>([&] {
      make_part<Encoder>("precomputed", context, {{"file", file}})->encode(make_items(), context);
    });
  };
  EXPECT_NE(complaint(torch::zeros({6, 4})).find("expected [7, width]"), std::string::npos);
  torch::Tensor damaged = torch::zeros({7, 4});
  damaged[5][2] = std::nan("");
  EXPECT_NE(complaint(damaged).find("the first is item 5"), std::string::npos);
}

}  // namespace
}  // namespace tsrec::test
