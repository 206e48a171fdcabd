// Ids, control tokens and decoded texts of tokenizers of many styles are those of the tokenizers
// library. The goldens come from tests/golden/make_tokenizers.py.
#include <nlohmann/json.hpp>
#include <numeric>

#include "support/support.hpp"
#include "tsrec/io/files.hpp"
#include "tsrec/text/tokenizer.hpp"

namespace tsrec::test {
namespace {

using nlohmann::json;
using text::Tokenizer;
using Ids = std::vector<int32_t>;

const std::filesystem::path kTokenizers =
    std::filesystem::path(TSREC_SOURCE_FOLDER) / "tests/golden/tokenizers";
const std::vector<std::string> kStyles = {"gpt2",   "roberta", "smollm2", "smollm2_unknown",
                                          "llama2", "mistral", "bert",    "t5",
                                          "xlmr",   "added"};

json golden_json(const std::filesystem::path& file) {
  return json::parse(io::read_text(kTokenizers / file));
}

std::vector<std::string> golden_texts() {
  return golden_json("texts.json").get<std::vector<std::string>>();
}

// All texts again and again, up to 64,000 characters.
std::string long_text() {
  std::string joined;
  for (const std::string& text : golden_texts()) joined += (joined.empty() ? "" : " ") + text;
  std::string out;
  int64_t characters = 0;
  for (size_t at = 0;; at = (at + 1) % joined.size()) {
    const bool begins_character = (static_cast<unsigned char>(joined[at]) & 0xC0) != 0x80;
    if (begins_character && ++characters > 64'000) return out;
    out += joined[at];
  }
}

uint32_t checksum(const Ids& ids) {
  return std::accumulate(ids.begin(), ids.end(), uint32_t{0}, [](uint32_t sum, int32_t id) {
    return sum * 1'000'003 + static_cast<uint32_t>(id);
  });
}

void expect_ids_of_the_library(const Tokenizer& tokenizer, const std::string& style) {
  const json expected = golden_json(style + "/expected.json");
  const std::vector<std::string> texts = golden_texts();
  ASSERT_EQ(expected.at("ids").size(), texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(tokenizer.encode(texts[i]), expected.at("ids")[i].get<Ids>())
        << style << ": " << texts[i];
  }
}

TEST(TokenizersParity, IdsAreThoseOfTheLibrary) {
  for (const std::string& style : kStyles)
    expect_ids_of_the_library(Tokenizer::load(kTokenizers / style), style);
}

TEST(TokenizersParity, LongTextsToo) {
  const std::string text = long_text();
  for (const std::string& style : kStyles) {
    const json expected = golden_json(style + "/expected.json").at("long");
    const Ids ids = Tokenizer::load(kTokenizers / style).encode(text);
    EXPECT_EQ(ids.size(), expected.at("count").get<size_t>()) << style;
    EXPECT_EQ(checksum(ids), expected.at("checksum").get<uint32_t>()) << style;
  }
}

TEST(TokenizersParity, DecodedTextsAreThoseOfTheLibrary) {
  for (const std::string& style : kStyles) {
    // There it writes a token as it was looked for, in lower case; here, as it was added.
    if (style == "added") continue;
    const json expected = golden_json(style + "/expected.json");
    const Tokenizer tokenizer = Tokenizer::load(kTokenizers / style);
    for (size_t i = 0; i < expected.at("ids").size(); ++i) {
      EXPECT_EQ(tokenizer.decode(expected.at("ids")[i].get<Ids>()),
                expected.at("decoded")[i].get<std::string>())
          << style << ", text " << i;
    }
  }
}

TEST(TokenizersParity, ControlTokensAroundATextAreThoseOfThePostProcessor) {
  for (const std::string& style : kStyles) {
    const json expected = golden_json(style + "/expected.json");
    const Tokenizer tokenizer = Tokenizer::load(kTokenizers / style);
    EXPECT_EQ(tokenizer.begin_tokens(), expected.at("begin").get<Ids>()) << style;
    EXPECT_EQ(tokenizer.end_tokens(), expected.at("end").get<Ids>()) << style;
    EXPECT_EQ(tokenizer.size(), expected.at("size").get<int64_t>()) << style;
  }
}

TEST(TokenizersParity, SavedWithSidTokensTheyAreTheSameTokenizers) {
  for (const std::string& style : kStyles) {
    const TempFolder folder;
    Tokenizer tokenizer = Tokenizer::load(kTokenizers / style);
    const auto first = static_cast<int32_t>(tokenizer.size());
    tokenizer.add(std::vector<std::string>{"<a_0>", "<b_7>"});
    tokenizer.save(folder.path() / "one");
    const Tokenizer again = Tokenizer::load(folder.path() / "one");
    expect_ids_of_the_library(again, style);
    EXPECT_EQ(again.encode("<a_0><b_7>"), (Ids{first, first + 1})) << style;
    EXPECT_EQ(again.eos(), tokenizer.eos());
    EXPECT_EQ(again.begin_tokens(), tokenizer.begin_tokens());
    again.save(folder.path() / "two");
    for (const char* file : {"tokenizer.json", "tokenizer_config.json"})
      EXPECT_EQ(io::read_text(folder.path() / "one" / file),
                io::read_text(folder.path() / "two" / file));
  }
}

// A tokenizer.json of one step before a model that has every character, with ## inside words.
void write_step(const std::string& characters, const json& step, const TempFolder& folder) {
  json vocabulary = {{"<unk>", 0}};
  for (size_t begin = 0, end = 1; begin < characters.size(); begin = end++) {
    while ((static_cast<unsigned char>(characters[end]) & 0xC0) == 0x80) ++end;
    const std::string character = characters.substr(begin, end - begin);
    const size_t next = vocabulary.size();
    vocabulary[character] = next;
    vocabulary["##" + character] = next + 1;
  }
  const json model = {{"type", "BPE"},
                      {"unk_token", "<unk>"},
                      {"continuing_subword_prefix", "##"},
                      {"vocab", vocabulary},
                      {"merges", json::array()}};
  folder.write("tokenizer.json", json({{"normalizer", step.at("normalizer")},
                                       {"pre_tokenizer", step.at("pre_tokenizer")},
                                       {"model", model}})
                                     .dump());
  folder.write("tokenizer_config.json", R"({"eos_token": "<unk>"})");
}

TEST(TokenizersParity, EveryStepByItselfDoesWhatTheLibraryDoes) {
  const json golden = golden_json("steps.json");
  std::vector<std::string> texts = golden_texts();
  EXPECT_GE(golden.at("steps").size(), 50u);
  for (const json& step : golden.at("steps")) {
    const TempFolder folder;
    write_step(golden.at("characters").get<std::string>(), step, folder);
    const Tokenizer tokenizer = Tokenizer::load(folder.path());
    for (size_t i = 0; i < texts.size(); ++i) {
      const Ids ids = tokenizer.encode(texts[i]);
      EXPECT_TRUE(ids.size() == step.at("counts")[i].get<size_t>() &&
                  checksum(ids) == step.at("checksums")[i].get<uint32_t>())
          << step.at("normalizer") << step.at("pre_tokenizer") << ": " << texts[i];
    }
  }
}

}  // namespace
}  // namespace tsrec::test
