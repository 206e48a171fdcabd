// Ids of the published Qwen tokenizer. The constants come from a naive implementation in another
// language (its own regex engine, normalisation and merging).
#include "support/byte_texts.hpp"
#include "tsrec/io/files.hpp"
#include "tsrec/text/tokenizer.hpp"

namespace tsrec {
namespace {

using Ids = std::vector<int32_t>;

class QwenParity : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::filesystem::path folder = test::shared_data() / "qwen-tokenizer";
    if (test::shared_data().empty() || !std::filesystem::exists(folder)) {
      GTEST_SKIP() << "no folder qwen-tokenizer; set TSREC_TEST_DATA to the folder above it";
    }
    folder_ = folder;
  }
  text::Tokenizer load() const { return text::Tokenizer::load(folder_); }

  std::filesystem::path folder_;
};

TEST_F(QwenParity, IdsEqualThoseOfTheReference) {
  const std::vector<std::pair<std::string, Ids>> cases = {
      {"### Response:\n", {14374, 5949, 510}},
      {"\n", {198}},
      {",", {11}},
      {" ", {220}},
      {"don't YOU'LL  I'm", {15007, 944, 14985, 6, 4086, 220, 358, 2776}},
      {"a\r\n\r\n  b \n c   ", {64, 871, 220, 293, 715, 272, 262}},
      {"price: 3.14 $1,000", {6555, 25, 220, 18, 13, 16, 19, 400, 16, 11, 15, 15, 15}},
      {"\xE4\xBD\xA0\xE5\xA5\xBD\xEF\xBC\x8C\xE4\xB8\x96\xE7\x95\x8C", {108386, 3837, 99489}},
      {"\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x94\xAC \xF0\x9F\x87\xA9\xF0\x9F\x87\xAA",
       {145233, 378, 235, 147948, 11162, 229, 102, 145336}},
      {"e\xCC\x81te\xCC\x81 \xE1\xBA\x9E", {38783, 220, 149975}},
      // U+180E is no white space, U+3000 and U+2028 are.
      {"x\xE1\xA0\x8Ey\xE3\x80\x80z\xE2\x80\xA8", {87, 123970, 236, 88, 22441, 89, 378, 101}},
      {"<|im_start|>user\nhi<|im_end|>\n<think>", {151644, 872, 198, 6023, 151645, 198, 151667}}};
  const text::Tokenizer tokenizer = load();
  for (const auto& [text, ids] : cases) EXPECT_EQ(tokenizer.encode(text), ids) << text;
}

TEST_F(QwenParity, RandomBytesToo) { test::expect_ids_of_bytes(load(), "tokenizer_qwen"); }

TEST_F(QwenParity, SizesAndEndOfTextAreThoseOfTheFolder) {
  text::Tokenizer tokenizer = load();
  EXPECT_EQ(tokenizer.size(), 151'669);
  EXPECT_EQ(tokenizer.eos(), 151'645);
  EXPECT_EQ(tokenizer.find("<|endoftext|>"), 151'643);
  tokenizer.add(std::vector<std::string>{"<a_1>", "<b_2>"});
  EXPECT_EQ(tokenizer.encode("<a_1><b_2>, <a_1>\n"),
            (Ids{151'669, 151'670, 11, 220, 151'669, 198}));
}

TEST_F(QwenParity, SavingKeepsMergesEveryIdAndTheSettings) {
  const test::TempFolder out;
  const text::Tokenizer tokenizer = load();
  tokenizer.save(out.path() / "one");
  text::Tokenizer::load(out.path() / "one").save(out.path() / "two");
  for (const char* file : {"vocab.json", "merges.txt", "tokenizer_config.json"}) {
    EXPECT_EQ(io::read_text(out.path() / "one" / file), io::read_text(out.path() / "two" / file));
  }
  EXPECT_EQ(io::read_text(out.path() / "one/merges.txt"), io::read_text(folder_ / "merges.txt"));
  EXPECT_NE(io::read_text(out.path() / "one/tokenizer_config.json").find("chat_template"),
            std::string::npos);
}

}  // namespace
}  // namespace tsrec
