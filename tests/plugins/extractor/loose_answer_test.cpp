// What is read out of answers that are not what was asked for.
#include "../../../plugins/extractor/language_model/loose_answer.hpp"

#include "../../../plugins/extractor/language_model/echo.hpp"
#include "../../../plugins/extractor/language_model/led_answer.hpp"
#include "support/support.hpp"

namespace tsrec::test {
namespace {

using language_model::Answer;
using language_model::kAnswerBegin;
using language_model::Lead;
using language_model::read_loosely;
using Words = std::vector<std::string>;

void expect_read(const std::string& reply, const std::string& description, const Words& keywords) {
  const Answer answer = read_loosely(reply);
  EXPECT_EQ(answer.description, description) << reply;
  EXPECT_EQ(answer.keywords, keywords) << reply;
}

TEST(LooseAnswer, WhatWasAskedForIsReadAsItIs) {
  expect_read(R"({"description": "Bolts of steel.", "keywords": ["bolt", "steel", "Bolt"]})",
              "Bolts of steel.", {"bolt", "steel"});
}

TEST(LooseAnswer, OfACutObjectTheWholeEntriesStay) {
  expect_read(
      R"({"description": "Bolts \"M6\". They hold. For", "keywords": ["bolt", "steel", "hex hea)",
      "Bolts \"M6\". They hold.", {"bolt", "steel"});
  expect_read(R"({"description": "Bolts of steel. They are use)", "Bolts of steel.", {});
  expect_read(R"({"description": "Bolts."}, "keywords": ["bolt", "steel"])", "Bolts.",
              {"bolt", "steel"});
  expect_read(R"({"description": "Bolts.", "keywords": [bolt, steel rod, hex he)", "Bolts.",
              {"bolt", "steel rod"});
}

TEST(LooseAnswer, ListsInAnyFormAreKeywords) {
  const Words wanted = {"steel bolt", "washer", "nut"};
  for (const std::string list :
       {"Keywords: steel bolt, washer, nut.", "**Keywords:** steel bolt; washer; nut",
        "Keywords:\n- steel bolt\n- washer\n- nut\n\nI hope this helps!",
        "**Keyword List**:\n\n1. **steel bolt**\n2. \"washer\"\n3) nut\nMore: text",
        "KEYWORDS: [\"steel bolt\", \"washer\", \"nut\"]",
        "Keywords:\n* steel bolt\n\n* washer\n* nut"}) {
    expect_read("Description: Fasteners of metal. Strong.\n\n" + list,
                "Fasteners of metal. Strong.", wanted);
    expect_read("**Product Family Description:**\nFasteners of metal. Strong.\n\n" + list,
                "Fasteners of metal. Strong.", wanted);
    expect_read("Fasteners of metal. Strong.\n\n" + list, "Fasteners of metal. Strong.", wanted);
  }
  expect_read("1. steel bolt\n2. washer\n3. nut", "", wanted);
}

TEST(LooseAnswer, ProseIsADescriptionAndNoKeyword) {
  expect_read("The items are bolts. They are made of", "The items are bolts.", {});
  expect_read("Keywords: this is a whole sentence about what the model thinks, bolt", "", {"bolt"});
  expect_read("", "", {});
  expect_read("\n \n", "", {});
}

TEST(LooseAnswer, AtMostSoManyKeywords) {
  std::string list = "Keywords: ";
  for (int i = 0; i < 30; ++i) list += c10::str("w", i, ", ");
  EXPECT_EQ(read_loosely(list).keywords.size(), 20u);
}

// Nothing is read that does not stand in the reply, and nothing makes the reader fail.
TEST(LooseAnswer, NothingIsInvented) {
  const std::string marks = "{}[]\":,\n-*1.k \\";
  const std::vector<std::string> pieces = {"keywords", "description", "bolt", "\"", "\n"};
  const at::Generator generator = at::detail::createCPUGenerator(5);
  for (int round = 0; round < 3000; ++round) {
    std::string reply;
    const torch::Tensor draw = torch::randint(1000, {24}, generator, torch::kInt64);
    for (int64_t i = 0; i < 24; ++i) {
      const auto d = static_cast<size_t>(draw[i].item<int64_t>());
      reply += d % 3 == 0 ? pieces[d % pieces.size()] : std::string(1, marks[d % marks.size()]);
    }
    std::string letters;  // what is left without escapes, blanks and line breaks
    for (const char c : reply) {
      if (c != '\\' && c != ' ' && c != '\n') letters += c;
    }
    const Answer answer = read_loosely(reply);
    for (std::string text : answer.keywords) {
      std::erase_if(text, [](char c) { return c == ' ' || c == '\\'; });
      EXPECT_TRUE(contains(letters, text)) << reply << "\n" << text;
    }
  }
}

TEST(LedAnswer, IsTurnedToTheKeywordsAtTheEndOfTheDescription) {
  const auto led = [](const std::string& text, int64_t tokens) {
    return language_model::lead(text, tokens, /*description_tokens=*/20, /*max_keywords=*/4);
  };
  EXPECT_EQ(led("Bolts of", 3).continue_with, "");
  EXPECT_EQ(led("Bolts.", 3).continue_with, "");
  EXPECT_EQ(led("Bolts.", 10).continue_with, R"(", "keywords": [")");
  EXPECT_EQ(led("Bolts of", 20).continue_with, R"(", "keywords": [")");
  EXPECT_EQ(led("Bolts \\\" of", 3).continue_with, "");
  EXPECT_EQ(led("Bolts.\"", 3).continue_with, R"(, "keywords": [")");
  EXPECT_EQ(led("Bolts.\", ", 3).continue_with, R"("keywords": [")");
  EXPECT_EQ(led("Bolts.\"}", 3).continue_with, R"(, "keywords": [")");
  EXPECT_EQ(led("Bolts.\"}, \"keywords\": [\"bo", 30).continue_with, "");
  EXPECT_FALSE(led("Bolts.\"}", 3).is_done);
}

TEST(LedAnswer, EndsWithTheListOrWhenNothingNewComes) {
  const auto is_done = [](const std::string& list) {
    const Lead lead = language_model::lead("Bolts.\", \"keywords\": [\"" + list, 30, 20, 4);
    EXPECT_EQ(lead.continue_with, "");
    return lead.is_done;
  };
  EXPECT_FALSE(is_done(""));
  EXPECT_FALSE(is_done("a\", \"b]}\", \"c"));
  EXPECT_TRUE(is_done("a\", \"b\"]"));
  EXPECT_TRUE(is_done("a\", \"b\"}"));
  EXPECT_FALSE(is_done("a\", \"b\", \"c\", \"d"));
  EXPECT_TRUE(is_done("a\", \"b\", \"c\", \"d\""));
  EXPECT_FALSE(is_done("a\", \"a\", \"A\", \"b\", \"a\", \"a"));
  EXPECT_TRUE(is_done("a\", \"a\", \"A\", \"a\""));
}

TEST(LedAnswer, WhatComesOfItIsRead) {
  const Answer answer = read_loosely(std::string(kAnswerBegin) +
                                     R"(Bolts of steel. They", "keywords": ["bolt", "bolt", "hex)");
  EXPECT_EQ(answer.description, "Bolts of steel.");
  EXPECT_EQ(answer.keywords, Words{"bolt"});
}

TEST(Echo, WhatOnlyTheInstructionsSayIsNoAnswer) {
  const std::string instructions =
      "Describe the product family. Keywords about steel: [\"keyword\"]";
  const std::string question =
      "Describe the product family. Title: Steel bolt. " + instructions.substr(29);
  const auto kept = [&](const std::string& description, const Words& keywords) {
    return language_model::without_echo({description, keywords}, question, instructions);
  };
  const Answer answer =
      kept("The product family.", {"keyword", "Product Family", "STEEL", "bolt", "nut"});
  EXPECT_EQ(answer.description, "");
  EXPECT_EQ(answer.keywords, (Words{"STEEL", "bolt", "nut"}));
  EXPECT_EQ(kept("Bolts of steel.", {}).description, "Bolts of steel.");
}

}  // namespace
}  // namespace tsrec::test
