#include "tsrec/text/words.hpp"

#include <random>
#include <regex>

#include "support/support.hpp"

namespace tsrec {
namespace {

using Words = std::vector<std::string>;

Words texts_of(const std::vector<text::Word>& words) {
  Words texts;
  for (const text::Word& word : words) texts.push_back(word.text);
  return texts;
}

Words words_of(std::string_view text) { return texts_of(text::words_of(text)); }

TEST(Words, AreLowerCaseRunsOfLettersAndDigits) {
  EXPECT_EQ(words_of("Red-Hot  LAMP, 40W"), (Words{"red", "hot", "lamp", "40w"}));
  EXPECT_EQ(words_of("don't Wi-Fi 3.5mm snake_case"),
            (Words{"don", "t", "wi", "fi", "3", "5mm", "snake", "case"}));
  EXPECT_EQ(words_of(""), Words{});
  EXPECT_EQ(words_of(" .,"), Words{});
}

// What a regular expression of ASCII finds, in any text of ASCII bytes.
TEST(Words, OfAsciiAgreeWithARegularExpression) {
  std::mt19937 random(std::random_device{}());
  for (int trial = 0; trial < 300; ++trial) {
    std::string text;
    for (size_t n = random() % 60; n > 0; --n) text += static_cast<char>(random() % 128);
    Words expected;
    const std::regex word("[a-zA-Z0-9]+", std::regex::ECMAScript);
    for (std::sregex_iterator at(text.begin(), text.end(), word), end; at != end; ++at) {
      std::string found = at->str();
      for (char& c : found) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
      }
      expected.push_back(found);
    }
    EXPECT_EQ(words_of(text), expected) << text;
    // The way of other texts gives the same.
    Words with_more = expected;
    with_more.emplace_back("é");
    EXPECT_EQ(words_of(text + " é"), with_more) << text;
  }
}

TEST(Words, HaveOneSpellingInEveryScript) {
  const std::vector<std::pair<std::string, Words>> cases = {
      {"Étui pour CAFÉ", {"étui", "pour", "café"}},
      {"e\u0301tui E\u0301TUI", {"étui", "étui"}},  // decomposed
      {"Straße STRASSE", {"strasse", "strasse"}},   // full folding
      {"ΣΊΣΥΦΟΣ σίσυφος", {"σίσυφοσ", "σίσυφοσ"}},  // a final sigma is a sigma
      {"ДОМ Дом дом", {"дом", "дом", "дом"}},
      {"İstanbul", {"i\u0307stanbul"}},
      {"ＡＢＣ　１２３", {"abc", "123"}},         // full width
      {"ﬁlter ㎜ 5㎏", {"filter", "mm", "5kg"}},  // ligature, squared units
      {"m² H₂O", {"m2", "h2o"}},
      {"1½ ¾-inch", {"1", "1", "2", "3", "4", "inch"}},  // as 1 1/2, 3/4-inch
      {"Acme™ Foo® Bar℠ © 2020", {"acme", "foo", "bar", "2020"}},
      {"mo\u00ADtor \uFEFFx\u2060y", {"motor", "xy"}},  // nobody sees them
      {"don’t don´t wi‑fi", {"don", "t", "don", "t", "wi", "fi"}},
      {"l'été—l’hiver…", {"l", "été", "l", "hiver"}},
      {"हिन्दी की क़िताब", {"हिन्दी", "की", "क\u093Cिताब"}},  // marks belong to words
      {"עִבְרִית السَّلامُ", {"עִבְרִית", "السَّلامُ"}},
      {"٣٤ سم", {"٣٤", "سم"}},
      {"전동 드라이버", {"전동", "드라이버"}},  // Korean has blanks
      {"☎️ 👍🏽 a👩‍🔧b", {"a", "b"}},
      {"\u0301 a \u0301", {"a"}},                         // a mark upon nothing
      {"a\xFFtext\xC3 \xE4\xBA z", {"a", "text", "z"}}};  // no UTF-8
  for (const auto& [text, expected] : cases) EXPECT_EQ(words_of(text), expected) << text;
}

TEST(Words, WithoutBlanksArePairsOfCharacters) {
  const std::vector<std::pair<std::string, Words>> cases = {
      {"螺丝刀", {"螺丝", "丝刀"}},
      {"灯", {"灯"}},
      {"家用，台灯。", {"家用", "台灯"}},
      {"iPhone手机壳3.5mm耳机", {"iphone", "手机", "机壳", "3", "5mm", "耳机"}},
      {"第16款", {"第", "16", "款"}},
      {"高速のケーブル", {"高速", "速の", "のケ", "ケー", "ーブ", "ブル"}},
      {"ﾃﾞｰﾀ", {"デー", "ータ"}},  // half width
      {"か\u3099く", {"がく"}},
      {"人々・々", {"人々", "々"}},
      {"𠮷野家", {"𠮷野", "野家"}},
      {"ไฟฟ้า", {"ไฟ", "ฟฟ้", "ฟ้า"}},       // marks go with their letter
      {"ไทย灯光", {"ไท", "ทย", "灯光"}},  // a script ends where another begins
      {"ลม\u200Bฝน", {"ลม", "ฝน"}},       // an invisible blank
      {"ລາວ ៣៤ ភាសា", {"ລາ", "າວ", "៣៤", "ភាសា"}},
      {"မြန်မာ", {"မြန်", "န်မာ"}}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(words_of(text), expected) << text;
}

// Pieces whose words are known, one behind the other in any order, with blanks or commas between.
TEST(Words, OfMixedTextsAreThoseOfTheirPieces) {
  const std::vector<std::pair<std::string, Words>> pieces = {{"Lamp", {"lamp"}},
                                                             {"ÉTUI", {"étui"}},
                                                             {"40W", {"40w"}},
                                                             {"螺丝刀", {"螺丝", "丝刀"}},
                                                             {"灯", {"灯"}},
                                                             {"ДОМ", {"дом"}},
                                                             {"ケーブル", {"ケー", "ーブ", "ブル"}},
                                                             {"！", {}},
                                                             {"\xFF", {}},
                                                             {"ไฟ", {"ไฟ"}}};
  std::mt19937 random(std::random_device{}());
  for (int trial = 0; trial < 200; ++trial) {
    std::string text;
    Words expected;
    for (size_t n = random() % 12; n > 0; --n) {
      const auto& [piece, words] = pieces[random() % pieces.size()];
      text += piece + (random() % 2 == 0 ? " " : "，");
      expected.insert(expected.end(), words.begin(), words.end());
    }
    EXPECT_EQ(words_of(text), expected) << text;
  }
}

TEST(Words, OverlapOnlyInsideARun) {
  const std::vector<text::Word> words = text::words_of("red 电动车 车灯 lamp");
  EXPECT_EQ(words,
            (std::vector<text::Word>{{"red"}, {"电动"}, {"动车", true}, {"车灯"}, {"lamp"}}));
  EXPECT_EQ(text::joined(words[1], words[2]), "电动车");
  EXPECT_EQ(text::joined(words[2], words[3]), "动车 车灯");
  EXPECT_EQ(text::joined(words[0], words[1]), "red 电动");
  // All pairs of a run, joined, spell the run.
  for (const std::string run : {"不锈钢水壶", "ฟ้าผ่า", "ケーブル"}) {
    const std::vector<text::Word> pairs = text::words_of(run);
    text::Word whole = pairs.front();
    for (size_t w = 1; w < pairs.size(); ++w) whole.text = text::joined(whole, pairs[w]);
    EXPECT_EQ(whole.text, run);
  }
}

TEST(Head, EndsBehindAWholeWord) {
  EXPECT_EQ(text::head_of("a glove of wool", 12), "a glove of");
  EXPECT_EQ(text::head_of("a glove of wool", 15), "a glove of wool");
  EXPECT_EQ(text::head_of("a glove of wool", 14), "a glove of");
  EXPECT_EQ(text::head_of("glove", 3), "glo");
  EXPECT_EQ(text::head_of("étui élégant", 7), "étui");
  EXPECT_EQ(text::head_of("éééé", 3), "ééé");
  EXPECT_EQ(text::head_of("家用 电动螺丝刀第二款", 6), "家用 电动螺");
  EXPECT_EQ(text::head_of("USB电缆", 2), "US");
  EXPECT_EQ(text::head_of("USB电缆长", 4), "USB电");
  EXPECT_EQ(text::head_of("ฟ้าฟ้า", 4), "ฟ้า");  // not between a letter and its mark
  EXPECT_EQ(text::head_of("\xFF\xFF\xFF", 2), "\xFF\xFF");
  EXPECT_EQ(text::head_of("", 2), "");
}

// As find_last_of has it.
TEST(Head, OfAsciiIsThatUpToTheLastBlank) {
  std::mt19937 random(std::random_device{}());
  for (int trial = 0; trial < 300; ++trial) {
    std::string text;
    for (size_t n = random() % 30; n > 0; --n) text += "ab. "[random() % 4];
    const size_t most = 1 + random() % 20;
    std::string expected = text;
    if (text.size() > most) {
      expected = text.substr(0, most);
      const size_t blank = expected.find_last_of(' ');
      if (blank != std::string::npos && blank != 0) expected = expected.substr(0, blank);
    }
    EXPECT_EQ(text::head_of(text, static_cast<int64_t>(most)), expected) << text;
  }
}

TEST(Words, AreNumbersInEveryScript) {
  for (const std::string number : {"42", "٣٤", "៣៤"})
    EXPECT_TRUE(text::is_number(number)) << number;
  for (const std::string word : {"40w", "灯", "x"}) EXPECT_FALSE(text::is_number(word)) << word;
}

}  // namespace
}  // namespace tsrec
