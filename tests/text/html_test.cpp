// What is HTML in a text, and what only looks like it.
#include "tsrec/text/html.hpp"

#include <random>

#include "support/support.hpp"

namespace tsrec::test {
namespace {

using text::without_html;

void expect_all(const std::vector<std::pair<std::string, std::string>>& pairs) {
  for (const auto& [given, expected] : pairs) EXPECT_EQ(without_html(given), expected) << given;
}

TEST(Html, ReferencesAreReadOnce) {
  expect_all(
      {{"nuts &amp; bolts", "nuts & bolts"},
       {"a &amp;amp; b", "a &amp; b"},
       {"&amp;lt;b&amp;gt;", "&lt;b&gt;"},
       {"&lt;b&gt; is text", "<b> is text"},
       {"6&quot; pipe", "6\" pipe"},
       {"it&#39;s &apos;it&apos;", "it's 'it'"},
       {"&#x1F600;&#128512;", "\U0001F600\U0001F600"},
       {"&#X41;&#x3bb;", "Aλ"},
       {"20&deg;C &plusmn;5&micro;m", "20°C ±5µm"},
       {"&AElig;&zwnj;&euro;&Alpha;&thetasym;&sup2;", "\u00C6\u200C\u20AC\u0391\u03D1\u00B2"}});
}

TEST(Html, ReferencesToNoCharacterAreTheReplacementOne) {
  expect_all({{"&#0;", "\uFFFD"},
              {"&#xD83D;", "\uFFFD"},
              {"&#x110000;", "\uFFFD"},
              {"&#99999999999;", "\uFFFD"},
              {"it&#146;s a 5&#150;10 &#128;", "it’s a 5–10 €"}});
}

TEST(Html, WhatIsNoReferenceStays) {
  for (const char* given :
       {"AT&T", "R&D;", "a & b", "&", "&;", "&#;", "&#x;", "&#xG1;", "&#12a;", "&unknown;", "&amp",
        "&copy 2010", "&AMP;", "&verylongnamewithoutend", "Q&A; &#; &&&"})
    EXPECT_EQ(without_html(given), given);
}

TEST(Html, TagsGoAndLinesStayApart) {
  expect_all({{"<b>bold</b>er", "bolder"},
              {"<p>one</p><p>two</p>", "one two"},
              {"one<br>two<BR/>three<br />four", "one two three four"},
              {"<ul><li>a</li><li>b</li></ul>", "a b"},
              {"<a href=\"http://x/?a>b\">link</a>!", "link!"},
              {"<img src='a.png' alt=\"6\" bolt\">x", "x"},
              {"<td\nclass=x>1</td><td>2</td>", "1 2"},
              {"H<sub>2</sub>O", "H2O"},
              {"</p>", ""},
              {"<br>", ""}});
}

TEST(Html, WhatOnlyLooksLikeATagStays) {
  for (const char* given : {"a < b",
                            "a<b and c",
                            "<3",
                            "I <3 it > all",
                            "1 < 2 > 0",
                            "<>",
                            "< b>",
                            "<a_12><b_7>",
                            "<T>",
                            "std::vector<int>",
                            "<ulu>",
                            "<b",
                            "<p class=\"x",
                            "<li.Fits",
                            "a <b <c>",
                            "<",
                            "</",
                            "</>",
                            "->",
                            "<-",
                            "<=5%",
                            "<1000 degrees",
                            "<!",
                            "<!5",
                            "<?",
                            "<? x",
                            "<!--",
                            "<!-- open",
                            "<![CDATA[ open",
                            "<!DOCTYPE open"})
    EXPECT_EQ(without_html(given), given);
}

TEST(Html, CommentsDeclarationsScriptsAndStylesGo) {
  expect_all({{"a<!-- <b>x</b> -->b", "ab"},
              {"a<!---->b<!-->c", "abc"},
              {"<!DOCTYPE html><html>x</html>", "x"},
              {"<?xml version=\"1.0\"?>x", "x"},
              {"<!--[if lt IE 9]>old<![endif]-->new", "new"},
              {"x<script>if (a < b) { go(\"</p>\"); }</script>y", "x y"},
              {"<style type='text/css'>p > a { }</STYLE>text", "text"},
              {"<script>never ends", "never ends"},
              {"<![CDATA[5 &lt; <b>6</b>]]>!", "5 &lt; <b>6</b>!"}});
}

TEST(Html, WhiteSpaceIsTouchedWhereHtmlWasFoundOnly) {
  expect_all({{"  two  blanks\n", "  two  blanks\n"},
              {"no\u00A0break", "no\u00A0break"},
              {"  two  blanks&nbsp;&nbsp;here\n<br>\t<br>", "two blanks here"},
              {"fits\u00A0\u00A0all&amp;sizes", "fits all&sizes"},
              {"", ""}});
}

// Pieces of which each is known what becomes of it, in any order.
TEST(Html, PiecesTogetherAreWhatTheyAreAlone) {
  const std::vector<std::pair<std::string, std::string>> pieces = {
      {"word", "word"},       {"&eacute;t&eacute;", "été"},
      {"<i>x</i>", "x"},      {"&lt;i&gt;", "<i>"},
      {"a<b", "a<b"},         {"&bogus;", "&bogus;"},
      {"<!-- <p> -->z", "z"}, {"中文&hellip;", "中文…"},
      {"x<wbr>y", "xy"},      {"&#10;&#32;q", "q"},
      {"<b", "<b"},           {"<span a='>'>s</span>", "s"}};
  std::mt19937_64 random(std::random_device{}());
  for (int round = 0; round < 300; ++round) {
    std::string given = "<p>", expected;
    for (size_t n = 1 + random() % 12; n > 0; --n) {
      const auto& [raw, clean] = pieces[random() % pieces.size()];
      given += " \n" + raw;
      expected += (expected.empty() ? "" : " ") + clean;
    }
    EXPECT_EQ(without_html(given), expected) << given;
  }
}

// A text of a shop that nobody looked at may be anything, and long.
TEST(Html, AnyBytesAndLongTextsAreRead) {
  std::mt19937_64 random(std::random_device{}());
  const std::string alphabet = "<>&;!-[]/='\"abp #x1\n";
  for (int round = 0; round < 2000; ++round) {
    std::string given;
    for (size_t n = random() % 60; n > 0; --n) given += alphabet[random() % alphabet.size()];
    const std::string clean = without_html(given);
    EXPECT_LE(clean.size(), given.size()) << given;
    if (given.find_first_of("<&") == std::string::npos) {
      EXPECT_EQ(clean, given);
    }
  }
  std::string opened;
  for (int i = 0; i < 30000; ++i) opened += "<!--<script><![CDATA[<!a<a b='";
  EXPECT_FALSE(without_html(opened).empty());
}

}  // namespace
}  // namespace tsrec::test
