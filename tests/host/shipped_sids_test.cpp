// SIDs that come with a data set, from its files to the model that leaves the store, and where
// nobody asks for them.
#include "cli_support.hpp"
#include "tsrec/text/tokenizer.hpp"

namespace tsrec::test {
namespace {

// Twelve items in four rooms of three, with SIDs spelled unlike ours; two of them are called lamp.
class ShippedSids : public ::testing::Test {
 protected:
  ShippedSids() {
    std::string items, index, users;
    const auto comma = [](const std::string& text) { return text.empty() ? "{" : ", "; };
    for (int i = 0; i < 12; ++i) {
      const std::string title = i == 3 || i == 7 ? "lamp" : c10::str("thing number ", i);
      items += c10::str(comma(items), "\"k", i, "\": {\"title\": \"", title, " &amp; co\"}");
      index += c10::str(comma(index), "\"k", i, "\": [\"<|b|>\", \"<s_a_", i / 3, ">\", \"<s_b_",
                        i % 3, ">\", \"<|e|>\"]");
    }
    for (int u = 0; u < 20; ++u) {
      users += c10::str(comma(users), "\"somebody ", u, "\": [");
      for (int n = 0; n < 5; ++n) users += c10::str(n ? ", " : "", "\"k", (u + 5 * n) % 12, "\"");
      users += "]";
    }
    folder_.write("data/Shop.item.json", items + "}");
    folder_.write("data/Shop.index.json", index + "}");
    folder_.write("data/Shop.inter.json", users + "}");
    folder_.write("data/._Shop.index.json", "a file manager's");
    folder_.write("shop/experiment.toml", kSource + R"(
sid_format = "<|b|> <s_{level:a}_{code}> <|e|>"
[prompt]
frame = "{input}="
separator = "<|e|><|b|>"
[prompt.next_item]
input = "next <|b|>{history}<|e|>"
target = "{answer}"
[backbone]
use = "scratch"
vocabulary = 300
width = 16
layers = 1
heads = 2
mlp_width = 32
[initializer]
use = "random"
[[task]]
use = "next_item"
[[stage]]
use = "sft"
max_steps = 2
batch_rows = 8
[evaluate]
task = "next_item"
beams = 4
metric = [{ use = "hr", k = [3] }, { use = "illegal_rate" }]
)");
    folder_.write("own/experiment.toml", kSource + R"(
[encoder]
use = "lsa"
dimensions = 4
[quantizer]
use = "rq_kmeans"
levels = 2
codes = 4
[resolver]
use = "none"
[[recommender]]
use = "popularity"
[evaluate]
metric = [{ use = "hr", k = [3] }]
)");
  }

  Outcome tsrec(const std::string& command, const std::string& experiment,
                const std::string& rest = "", const std::string& before = "") {
    return run(command + " " + (folder_.path() / experiment).string() + " " + rest + " --store " +
                   (folder_.path() / "store").string(),
               before);
  }

  inline static const std::string kSource =
      "[run]\nname = \"shop\"\ndevice = \"cpu\"\nprecision = \"float32\"\nthreads = 1\n"
      "[source]\nuse = \"lc_rec\"\nfolder = \"../data\"";
  TempFolder folder_;
};

TEST_F(ShippedSids, KeepTheirSpellingUpToTheExportedModel) {
  const Outcome data = tsrec("data", "shop");
  EXPECT_EQ(data.code, 0) << data.text;
  EXPECT_TRUE(contains(data.text, "SIDs of 4 x 3 codes come with it: 12 distinct")) << data.text;
  EXPECT_TRUE(contains(data.text, "texts of 'title' cleaned of HTML: 12\n")) << data.text;
  const Outcome ran = tsrec("run", "shop");
  ASSERT_EQ(ran.code, 0) << ran.text;
  EXPECT_TRUE(contains(ran.text, "the source: texts of 'title' cleaned of HTML: 12")) << ran.text;
  EXPECT_EQ(tsrec("data", "shop").text, data.text) << "also of what is stored";

  const std::string model = (folder_.path() / "model").string();
  const Outcome exported = tsrec("export", "shop", model);
  ASSERT_EQ(exported.code, 0) << exported.text;
  EXPECT_TRUE(
      contains(io::read_text(model + "/sids.tsv"), "k5\t<s_a_1><s_b_2>\tthing number 5 & co"));
  const text::Tokenizer tokenizer = text::Tokenizer::load(model);
  EXPECT_TRUE(tokenizer.find("<s_a_3>"));
  EXPECT_FALSE(tokenizer.find("<a_3>"));

  const Outcome same = tsrec("recommend", "shop", "\"LAMP & co\"");
  EXPECT_EQ(same.code, 4) << same.text;
  EXPECT_TRUE(contains(same.text,
                       "2 items have the title 'LAMP & co'; name one by its key:\n"
                       "  k3  lamp & co\n  k7  lamp & co"))
      << same.text;
  EXPECT_EQ(tsrec("recommend", "shop", "k3 k7").code, 0);
  const Outcome asked =
      tsrec("recommend", "shop", "--json", "printf '[\"k3\"]\\n[\"k1\", \"lam\"]\\n' | ");
  EXPECT_EQ(asked.code, 4) << asked.text;
  EXPECT_TRUE(contains(asked.text, "\"history\":[\"k3\"]")) << asked.text;
  EXPECT_TRUE(contains(asked.text, "line 2 of standard input: 2 titles contain 'lam'"))
      << asked.text;
}

TEST_F(ShippedSids, AreNeitherNeededNorCheckedWhereTheExperimentMakesItsOwn) {
  folder_.write("data/Shop.index.json", "no JSON at all");
  const Outcome unfit = tsrec("run", "own");
  EXPECT_EQ(unfit.code, 0) << unfit.text;
  EXPECT_EQ(tsrec("data", "own").code, 0);
  std::filesystem::remove(folder_.path() / "data/Shop.index.json");
  const Outcome none = tsrec("run", "own");
  EXPECT_EQ(none.code, 0) << none.text;
}

TEST_F(ShippedSids, AreMissedInTheStageThatNeedsThem) {
  folder_.write("data/Shop.index.json", R"({"k0": ["<|b|>", "<s_b_0>", "<|e|>"]})");
  const Outcome wrong = tsrec("run", "shop");
  EXPECT_EQ(wrong.code, 4) << wrong.text;
  EXPECT_TRUE(
      contains(wrong.text, "Shop.index.json:1: item 'k0': the token <s_b_0> is out of order"))
      << wrong.text;
  EXPECT_TRUE(contains(wrong.text, "in source 'lc_rec'")) << wrong.text;
  std::filesystem::remove(folder_.path() / "data/Shop.index.json");
  const Outcome none = tsrec("run", "shop");
  EXPECT_EQ(none.code, 4) << none.text;
  EXPECT_TRUE(contains(none.text, "the source comes without SIDs")) << none.text;
}

}  // namespace
}  // namespace tsrec::test
