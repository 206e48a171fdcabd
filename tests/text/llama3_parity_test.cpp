// Ids of a tokenizer.json with the split pattern of Llama 3. The folder comes from
// tests/golden/make.py.
#include <nlohmann/json.hpp>

#include "support/byte_texts.hpp"
#include "tsrec/io/files.hpp"
#include "tsrec/text/tokenizer.hpp"

namespace tsrec::test {
namespace {

const std::filesystem::path kFolder =
    std::filesystem::path(TSREC_SOURCE_FOLDER) / "tests/golden/tokenizer_llama3";

void expect_ids_of_transformers(const text::Tokenizer& tokenizer) {
  const auto rows = nlohmann::json::parse(io::read_text(kFolder / "expected.json"));
  EXPECT_GT(rows.size(), 15u);
  for (const auto& row : rows) {
    const auto text = row.at("text").get<std::string>();
    EXPECT_EQ(tokenizer.encode(text), row.at("ids").get<std::vector<int32_t>>()) << text;
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text);
  }
}

TEST(Llama3Parity, IdsAreThoseOfTransformers) {
  const text::Tokenizer tokenizer = text::Tokenizer::load(kFolder);
  expect_ids_of_transformers(tokenizer);
  EXPECT_EQ(tokenizer.decode(std::vector<int32_t>{tokenizer.eos()}), "<|end_of_text|>");
}

TEST(Llama3Parity, RandomBytesToo) {
  expect_ids_of_bytes(text::Tokenizer::load(kFolder), "tokenizer_llama3");
}

TEST(Llama3Parity, SavedWithSidTokensItIsTheSameTokenizer) {
  const TempFolder folder;
  text::Tokenizer tokenizer = text::Tokenizer::load(kFolder);
  const int64_t size = tokenizer.size();
  tokenizer.add(std::vector<std::string>{"<a_0>", "<b_7>"});
  tokenizer.save(folder.path() / "one");
  const text::Tokenizer again = text::Tokenizer::load(folder.path() / "one");
  expect_ids_of_transformers(again);
  EXPECT_EQ(again.find("<b_7>"), size + 1);
  EXPECT_EQ(again.eos(), tokenizer.eos());
  again.save(folder.path() / "two");
  for (const char* file : {"tokenizer.json", "tokenizer_config.json"})
    EXPECT_EQ(io::read_text(folder.path() / "one" / file),
              io::read_text(folder.path() / "two" / file));
}

}  // namespace
}  // namespace tsrec::test
