// What is read out of a language model's reply.
#include "../../../plugins/extractor/language_model/answer.hpp"

#include "support/support.hpp"

namespace tsrec::test {
namespace {

using language_model::read_answer;
using language_model::Reading;
using Words = std::vector<std::string>;

std::string complaint_about(const std::string& reply) {
  const Reading reading = read_answer(reply);
  EXPECT_FALSE(reading.is_usable()) << reply;
  return reading.complaint;
}

Words keywords_of(const std::string& list, int64_t most = 20) {
  const Reading reading = read_answer(R"({"description": "d", "keywords": )" + list + "}", most);
  EXPECT_EQ(reading.complaint, "");
  return reading.answer.keywords;
}

TEST(Answer, IsFoundInProseFencesAndBehindThoughts) {
  const std::string object = R"({"description": "Bolts {and} \"nuts\".", "keywords": ["bolt"]})";
  for (const std::string& reply :
       Words{object, "Sure! Here it is:\n```json\n" + object + "\n```\nAnything else?",
             "<think>A set {of things}, or {\"description\": \"draft\", \"keywords\": [\"x\"]}? "
             "No.</think>" +
                 object,
             "{ " + object, object + " }{", "{\"a\": 1} " + object + " {\"b\": {\"c\": 2}}"}) {
    const Reading reading = read_answer(reply);
    ASSERT_TRUE(reading.is_usable()) << reply << "\n" << reading.complaint;
    EXPECT_EQ(reading.answer.description, "Bolts {and} \"nuts\".");
    EXPECT_EQ(reading.answer.keywords, Words{"bolt"});
  }
}

TEST(Answer, NamesInAnyCaseAndLineBreaksInStringsAreRead) {
  const Reading reading =
      read_answer("{\"Description\": \"Two\n\tlines\\nand more \", \"KEYWORDS\": \"a, b c,,\"}");
  ASSERT_TRUE(reading.is_usable()) << reading.complaint;
  EXPECT_EQ(reading.answer.description, "Two lines and more");
  EXPECT_EQ(reading.answer.keywords, (Words{"a", "b c"}));
}

TEST(Answer, KeywordsAreTrimmedAndStandOnceInAnyScript) {
  EXPECT_EQ(keywords_of(R"(["  Steel  bolt ", "STEEL BOLT", "", "\u00a0", "Größe", "GRÖSSE",
                            "ЁЖ", "ёж", "e\u0301t", "\u00c9T", "steel"])"),
            (Words{"Steel bolt", "Größe", "ЁЖ", "e\u0301t", "steel"}));
  EXPECT_EQ(keywords_of("[\"" + std::string(101, 'x') + "\", \"" + std::string(100, 'y') + "\"]"),
            Words{std::string(100, 'y')});
}

TEST(Answer, KeywordsBehindTheLimitAreDropped) {
  std::string list = "[";
  for (int k = 0; k < 30; ++k) list += c10::str(k > 0 ? ", " : "", "\"k", k % 25, "\"");
  EXPECT_EQ(keywords_of(list + "]").size(), 20u);
  EXPECT_EQ(keywords_of(list + "]", 3), (Words{"k0", "k1", "k2"}));
  EXPECT_EQ(keywords_of(list + "]", 100).size(), 25u);
}

TEST(Answer, WhatIsWrongIsSaid) {
  EXPECT_EQ(complaint_about(""), "there is no JSON object");
  EXPECT_EQ(complaint_about("I cannot do that."), "there is no JSON object");
  EXPECT_EQ(complaint_about(R"(["a"])"), "there is no JSON object");
  EXPECT_EQ(complaint_about(R"({"description": "d", "keywords": ["a",]})"),
            "the JSON object is malformed");
  EXPECT_EQ(complaint_about(R"({"description": "d", "keywords": ["a", "b)"),
            "the JSON object does not end; write a shorter description");
  EXPECT_EQ(complaint_about(R"({"keywords": ["a"]})"), "the JSON object has no \"description\"");
  EXPECT_EQ(complaint_about(R"({"description": "d"})"), "the JSON object has no \"keywords\"");
  EXPECT_EQ(complaint_about(R"({"description": 7, "keywords": ["a"]})"),
            "\"description\" is number; it must be a string");
  EXPECT_EQ(complaint_about(R"({"description": " ", "keywords": ["a"]})"),
            "\"description\" is empty");
  EXPECT_EQ(complaint_about(R"({"description": "d", "keywords": []})"), "\"keywords\" has no word");
  EXPECT_EQ(complaint_about(R"({"description": "d", "keywords": ["a", null]})"),
            "\"keywords\" has an entry that is null; all must be strings");
  EXPECT_EQ(complaint_about(R"({"description": "d", "keywords": {"a": 1}})"),
            "\"keywords\" is object; it must be a list of strings");
}

// Whatever bytes come, they are read or refused, and what is read is UTF-8.
TEST(Answer, AnyBytesAreReadOrRefused) {
  EXPECT_FALSE(read_answer("{\"description\": \"\xff\", \"keywords\": [\"a\"]}").is_usable());
  EXPECT_FALSE(read_answer(std::string(1 << 16, '{')).is_usable());
  std::string nested;
  for (int depth = 0; depth < 20000; ++depth) nested += "{\"a\":";
  EXPECT_FALSE(read_answer(nested).is_usable());
  const std::string whole = R"(text {"description": "Größe \u00e9", "keywords": ["ü", "b"]} end)";
  const size_t end = whole.find('}');
  for (size_t cut = 0; cut <= whole.size(); ++cut)
    EXPECT_EQ(read_answer(whole.substr(0, cut)).is_usable(), cut > end) << cut;
}

}  // namespace
}  // namespace tsrec::test
