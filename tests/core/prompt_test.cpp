#include "tsrec/prompt.hpp"

#include "support/support.hpp"
#include "tsrec/nn/packed_batch.hpp"

namespace tsrec::test {
namespace {

struct Toy {
  Toy()
      : tokenizer(text::Tokenizer::train(
            std::vector<std::string>(8, "Which item has the title: steel bolt?"), 290)) {
    sids.sizes = {4, 4};
    sids.code_NL = torch::tensor({{0, 1}, {3, 2}, {0, 2}}, torch::kInt64);
    vocabulary = Vocabulary(sids, static_cast<int32_t>(tokenizer.size()));
    std::vector<std::string> tokens;
    for (const NewToken& token : vocabulary.tokens()) tokens.push_back(token.text);
    tokenizer.add(tokens);
    wording.frame = "{preamble}{input}\n>\n";
    wording.shared["preamble"] = "Please. ";
    wording.forms["next_item"] = {{"input", "items {history} next"}, {"target", "{answer}\n{eos}"}};
    wording.forms["title_to_sid"] = {{"input", "Which item has the title: {title}?"},
                                     {"target", "{answer}"}};
  }
  text::Tokenizer tokenizer;
  SidTable sids;
  Vocabulary vocabulary;
  PromptWording wording;
};

Example next_item() {
  Example example;
  example.form = "next_item";
  example.slots = {{"history", {Piece::sid(0), Piece::sid(2)}}, {"answer", {Piece::sid(1)}}};
  example.weight = 2.5;
  example.sample = 7;
  example.target_item = 1;
  return example;
}

TEST(PromptCompiler, EncodesThePromptAsOneTextAndTheTargetApart) {
  const Toy toy;
  const PromptCompiler compiler(toy.wording, toy.tokenizer, toy.sids, toy.vocabulary);
  const CompiledExample compiled = compiler.compile(next_item());
  EXPECT_EQ(compiled.prompt,
            toy.tokenizer.encode("Please. items <a_0><b_1>, <a_0><b_2> next\n>\n"));
  std::vector<int32_t> target = toy.tokenizer.encode("<a_3><b_2>\n");
  target.push_back(toy.tokenizer.eos());
  EXPECT_EQ(compiled.target, target);
  EXPECT_EQ(compiled.weight, 2.5);
  EXPECT_EQ(compiled.sample, 7);
  EXPECT_EQ(compiled.target_item, 1);
}

TEST(PromptCompiler, TextSlotsMergeWithTheWordsAroundThem) {
  const Toy toy;
  const PromptCompiler compiler(toy.wording, toy.tokenizer, toy.sids, toy.vocabulary);
  Example example;
  example.form = "title_to_sid";
  example.slots = {{"title", {Piece::text("steel bolt")}}, {"answer", {Piece::sid(2)}}};
  EXPECT_EQ(compiler.compile(example).prompt,
            toy.tokenizer.encode("Please. Which item has the title: steel bolt?\n>\n"));
  example.slots["answer"] = {Piece::token(0, 3)};
  EXPECT_EQ(compiler.compile(example).target, std::vector<int32_t>{toy.vocabulary.id(0, 3)});
}

// A tokenizer whose post-processor puts <s> before a text.
Toy toy_with_begin() {
  Toy toy;
  toy.tokenizer = text::Tokenizer::load(std::filesystem::path(TSREC_SOURCE_FOLDER) /
                                        "tests/golden/tokenizers/llama2");
  toy.vocabulary = Vocabulary(toy.sids, static_cast<int32_t>(toy.tokenizer.size()));
  std::vector<std::string> tokens;
  for (const NewToken& token : toy.vocabulary.tokens()) tokens.push_back(token.text);
  toy.tokenizer.add(tokens);
  return toy;
}

TEST(PromptCompiler, PromptsBeginOnceWithWhatTheTokenizerPutsBeforeAText) {
  Toy toy = toy_with_begin();
  const int32_t begin = toy.tokenizer.find("<s>").value(), end = toy.tokenizer.eos();
  const auto compiled = [&] {
    return PromptCompiler(toy.wording, toy.tokenizer, toy.sids, toy.vocabulary)
        .compile(next_item());
  };
  toy.wording.begin = "none";
  const CompiledExample plain = compiled();
  const auto with = [&](int32_t token) {
    std::vector<int32_t> prompt = plain.prompt;
    prompt.insert(prompt.begin(), token);
    return prompt;
  };
  EXPECT_NE(plain.prompt.front(), begin);
  toy.wording.begin = "auto";
  EXPECT_EQ(compiled().prompt, with(begin));
  EXPECT_EQ(compiled().target, plain.target);
  toy.wording.begin = "</s>";
  EXPECT_EQ(compiled().prompt, with(end));
  toy.wording.begin = "<nowhere>";
  EXPECT_NE(message_of<ConfigError>(compiled).find("[prompt] begin = \"<nowhere>\""),
            std::string::npos);
  toy.wording.begin = "auto";
  toy.wording.frame = "<s>" + toy.wording.frame;
  EXPECT_EQ(compiled().prompt, with(begin));
}

TEST(PromptCompiler, SuffixIsWhatFollowsEveryAnswer) {
  const Toy toy;
  const PromptCompiler compiler(toy.wording, toy.tokenizer, toy.sids, toy.vocabulary);
  std::vector<int32_t> suffix = toy.tokenizer.encode("\n");
  suffix.push_back(toy.tokenizer.eos());
  EXPECT_EQ(compiler.suffix("next_item"), suffix);
  EXPECT_TRUE(compiler.suffix("title_to_sid").empty());
}

// Without a marker the answer of one row is the history of the next: nothing is computed twice.
TEST(PromptCompiler, WithoutAMarkerTheRowsOfAUserAreOneSequence) {
  Toy toy;
  toy.wording.frame = "{input}";
  toy.wording.separator = "";
  toy.wording.forms = {{"next_item", {{"input", "next {history}"}, {"target", "{answer}"}}}};
  const PromptCompiler compiler(toy.wording, toy.tokenizer, toy.sids, toy.vocabulary);
  std::vector<CompiledExample> rows;
  for (int64_t length = 1; length <= 3; ++length) {
    Example example;
    example.form = "next_item";
    for (int64_t item = 0; item < length; ++item)
      example.slots["history"].push_back(Piece::sid(item % 3));
    example.slots["answer"] = {Piece::sid(length % 3)};
    rows.push_back(compiler.compile(example));
  }
  const auto packs = nn::pack(rows, {});
  ASSERT_EQ(packs.size(), 1u);
  EXPECT_EQ(packs[0].num_tokens(),
            static_cast<int64_t>(rows[2].prompt.size() + rows[2].target.size()) - 1);
  EXPECT_EQ(packs[0].segments.size(), 1u);
}

TEST(PromptCompiler, BadWordingsAreErrorsThatSayWhere) {
  const auto complaint = [](const std::function<void(PromptWording&)>& change) {
    Toy toy;
    change(toy.wording);
    return message_of<ConfigError>(
        [&] { PromptCompiler(toy.wording, toy.tokenizer, toy.sids, toy.vocabulary); });
  };
  EXPECT_NE(complaint([](auto& w) { w.frame = "hello"; }).find("no placeholder"),
            std::string::npos);
  EXPECT_NE(complaint([](auto& w) { w.frame = "{inputs}\n>"; }).find("gives no text for {inputs}"),
            std::string::npos);
  EXPECT_NE(complaint([](auto& w) { w.frame = "{input\n>"; }).find("never closed"),
            std::string::npos);
  EXPECT_NE(complaint([](auto& w) {
              w.forms["next_item"].erase("target");
            }).find("[prompt.next_item] has no target"),
            std::string::npos);
  EXPECT_NE(complaint([](auto& w) {
              w.forms["next_item"]["input"] = "{history}{answer}";
            }).find("{answer} is the answer"),
            std::string::npos);
  EXPECT_NE(complaint([](auto& w) { w.forms["next_item"]["target"] = "yes"; }).find("no slot"),
            std::string::npos);
}

TEST(PromptCompiler, UnknownFormsAndUnfilledSlotsAreErrors) {
  const Toy toy;
  const PromptCompiler compiler(toy.wording, toy.tokenizer, toy.sids, toy.vocabulary);
  Example example = next_item();
  example.form = "next_itm";
  EXPECT_NE(message_of<ConfigError>([&] {
              compiler.compile(example);
            }).find("no wording [prompt.next_itm]"),
            std::string::npos);
  example = next_item();
  example.slots.erase("history");
  EXPECT_NE(message_of<ConfigError>([&] { compiler.compile(example); }).find("{history}"),
            std::string::npos);
}

TEST(PromptCompiler, DoubledBracesAreBraces) {
  Toy toy;
  toy.wording.forms["next_item"]["input"] = "{{{history}}}";
  const PromptCompiler compiler(toy.wording, toy.tokenizer, toy.sids, toy.vocabulary);
  EXPECT_EQ(compiler.compile(next_item()).prompt,
            toy.tokenizer.encode("Please. {<a_0><b_1>, <a_0><b_2>}\n>\n"));
}

}  // namespace
}  // namespace tsrec::test
