// Python's JSON made strict: what is mended, and that nothing else is.
#include "tsrec/io/python_json.hpp"

#include <nlohmann/json.hpp>

#include "support/support.hpp"

namespace tsrec::test {
namespace {

using io::strict_json;

TEST(PythonJson, NumbersThatAreNoneBecomeNull) {
  EXPECT_EQ(strict_json("[NaN, Infinity, -Infinity, None, 1e5, -3, null, true]").text,
            "[null, null, null, null, 1e5, -3, null, true]");
  EXPECT_EQ(strict_json(R"({"NaN": "NaN, None", "a":NaN})").text,
            R"({"NaN": "NaN, None", "a":null})")
      << "what stands in quotes is text";
  EXPECT_EQ(strict_json("[NaNs, xNaN, -NaN]").text, "[NaNs, xNaN, -NaN]")
      << "and is refused by whoever parses it";
}

TEST(PythonJson, HalfACharacterIsReplacedAndAWholeOneStays) {
  const auto text_of = [](const std::string& given, int64_t replaced) {
    const io::StrictJson strict = strict_json(given);
    EXPECT_EQ(strict.replaced, replaced) << given;
    return nlohmann::json::parse(strict.text).get<std::string>();
  };
  EXPECT_EQ(text_of(R"("lamp \ud83d")", 1), "lamp \uFFFD");
  EXPECT_EQ(text_of(R"("\ud83d\ude00")", 0), "\U0001F600");
  EXPECT_EQ(text_of(R"("\uD83D\uDE00 \uDE00\uD83D")", 2), "\U0001F600 \uFFFD\uFFFD");
  EXPECT_EQ(text_of(R"("\ud83d\ud83d\ude00")", 1), "\uFFFD\U0001F600");
  EXPECT_EQ(text_of(R"("\\ud83d")", 0), "\\ud83d") << "a backslash and five letters";
  EXPECT_EQ(text_of(R"("a\"b\\")", 0), "a\"b\\");
  EXPECT_EQ(text_of("\"\xED\xA0\xBD.\"", 1), "\uFFFD.");
  EXPECT_EQ(text_of("\xEF\xBB\xBF\"\xEF\xBB\xBF\"", 0), "\uFEFF") << "only the first is a mark";
}

TEST(PythonJson, WhatIsMalformedStaysSo) {
  for (const char* given :
       {"", "[", "\"open", "\"\\", "\"\\ud8", "{'a': 1}", "[1,]", "\"\\ud83d"}) {
    EXPECT_FALSE(nlohmann::json::accept(strict_json(given).text)) << given;
  }
  const std::string lines = "[\n\"a\\ud800\",\nNaN\n]\n";
  const std::string mended = strict_json(lines).text;
  EXPECT_EQ(std::count(mended.begin(), mended.end(), '\n'), 4) << "lines stay lines";
}

}  // namespace
}  // namespace tsrec::test
