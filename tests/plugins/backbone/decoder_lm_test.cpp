#include "support/support.hpp"
#include "tsrec/parts/backbone.hpp"

namespace tsrec::test {
namespace {

// Titles in which a noun is always described by words of its own kind.
Items make_items() {
  const std::vector<std::vector<std::string>> kinds = {{"copper", "cable", "wire", "plug"},
                                                       {"cotton", "glove", "sleeve", "apron"}};
  std::vector<std::string> keys, titles, descriptions;
  for (int64_t item = 0; item < 120; ++item) {
    const auto& words = kinds[static_cast<size_t>(item % 2)];
    std::string text;
    for (int64_t w = 0; w < 4; ++w)
      text += " " + words[static_cast<size_t>((item / 2 + w * (1 + item % 3)) % 4)];
    keys.push_back(c10::str("k", item));
    titles.push_back("item" + text);
    descriptions.push_back("this is a" + text);
  }
  Items items(keys);
  items.set("title", titles);
  items.set("description", descriptions);
  return items;
}

const std::map<std::string, std::string> kSmall = {
    {"vocabulary", "320"}, {"width", "32"}, {"layers", "2"}, {"heads", "2"}, {"mlp_width", "48"}};

TEST(Scratch, IsAFunctionOfItsSeed) {
  TestContext context(1), same(1), other(2);
  const Items items = make_items();
  const auto weights = [&](TestContext& ctx) {
    const auto backbone = make_part<Backbone>("scratch", ctx, kSmall);
    kit::prepare(*backbone, items, ctx);
    return backbone->embedding().clone();
  };
  const torch::Tensor first = weights(context);
  EXPECT_TRUE(torch::equal(first, weights(same)));
  EXPECT_FALSE(torch::equal(first, weights(other)));
}

TEST(Scratch, PretrainingLearnsTheTextsAndLogsNeighbours) {
  TestContext context;
  auto options = kSmall;
  options.insert({{"pretrain_steps", "150"},
                  {"pretrain_batch_tokens", "400"},
                  {"pretrain_learning_rate", "0.01"}});
  const auto backbone = make_part<Backbone>("scratch", context, options);
  kit::prepare(*backbone, make_items(), context);
  const std::vector<double>& loss = context.numbers["pretrain.loss"];
  ASSERT_EQ(loss.size(), 150u);
  EXPECT_NEAR(loss.front(), std::log(static_cast<double>(backbone->tokenizer().size())), 0.5);
  EXPECT_LT(loss.back(), loss.front() / 3);
  const bool told =
      std::any_of(context.messages.begin(), context.messages.end(), [](const std::string& message) {
        return message.find("nearest to 'copper': ") != std::string::npos;
      });
  EXPECT_TRUE(told);
}

TEST(Scratch, ExtendAddsRowsBehindTheTokenizerAndSavesThem) {
  TestContext context;
  const auto backbone = make_part<Backbone>("scratch", context, kSmall);
  kit::prepare(*backbone, make_items(), context);
  const int64_t before = backbone->tokenizer().size();
  const torch::Tensor rows_ED = torch::randn({3, 32}, context.generator("rows", 0));
  backbone->extend({"<a_0>", "<a_7>", "<b_1>"}, rows_ED, {});
  EXPECT_EQ(backbone->tokenizer().size(), before + 3);
  EXPECT_EQ(backbone->tokenizer().find("<a_7>"), before + 1);
  EXPECT_TRUE(torch::equal(backbone->embedding().slice(0, before, before + 3), rows_ED));

  const TempFolder folder;
  backbone->save(folder.path() / "model");
  const auto loaded = make_part<Backbone>("scratch", context, kSmall);
  loaded->load(folder.path() / "model");
  const std::vector<int32_t> ids = backbone->tokenizer().encode("item copper<a_7><b_1>");
  EXPECT_EQ(loaded->tokenizer().encode("item copper<a_7><b_1>"), ids);
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(torch::equal(loaded->hidden(one_row(ids), {}), backbone->hidden(one_row(ids), {})));
}

TEST(Scratch, ACloneHasItsOwnWeights) {
  TestContext context;
  const auto backbone = make_part<Backbone>("scratch", context, kSmall);
  kit::prepare(*backbone, make_items(), context);
  const auto copy = backbone->clone();
  const torch::NoGradGuard no_grad;
  const torch::Tensor before = copy->hidden(one_row({5, 6, 7}), {});
  EXPECT_TRUE(torch::equal(before, backbone->hidden(one_row({5, 6, 7}), {})));
  for (const nn::Parameter& parameter : backbone->parameters()) parameter.value.add_(1);
  EXPECT_TRUE(torch::equal(before, copy->hidden(one_row({5, 6, 7}), {})));
}

TEST(Scratch, MissingTextsAreErrors) {
  TestContext context;
  const auto backbone = make_part<Backbone>("scratch", context, kSmall);
  Items empty({"a", "b"});
  empty.set("title", {"", ""});
  empty.set("description", {"", ""});
  EXPECT_NE(
      message_of<DataError>([&] { backbone->prepare(empty, context); }).find("no item has a text"),
      std::string::npos);
  auto named = kSmall;
  named["text_columns"] = "brand";
  const auto other = make_part<Backbone>("scratch", context, named);
  const std::string message =
      message_of<ConfigError>([&] { other->prepare(make_items(), context); });
  EXPECT_NE(message.find("'brand'"), std::string::npos) << message;
}

TEST(Pretrained, ReadsWhatAnotherBackboneSavedAndRefusesAMissingFolder) {
  TestContext context;
  const auto backbone = make_part<Backbone>("scratch", context, kSmall);
  kit::prepare(*backbone, make_items(), context);
  const TempFolder folder;
  backbone->save(folder.path() / "model");
  const auto loaded =
      make_part<Backbone>("pretrained", context, {{"path", (folder.path() / "model").string()}});
  loaded->prepare(make_items(), context);
  EXPECT_TRUE(torch::equal(loaded->embedding(), backbone->embedding()));

  const auto missing =
      make_part<Backbone>("pretrained", context, {{"path", (folder.path() / "none").string()}});
  EXPECT_NE(
      message_of<DataError>([&] { missing->prepare(make_items(), context); }).find("is no folder"),
      std::string::npos);
}

}  // namespace
}  // namespace tsrec::test
