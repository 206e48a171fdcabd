#include "tsrec/text/words.hpp"

#include <random>
#include <regex>

#include "support/support.hpp"

namespace tsrec {
namespace {

using Words = std::vector<std::string>;

TEST(Words, AreLowerCaseRunsOfLettersAndDigits) {
  EXPECT_EQ(text::words_of("Red-Hot  LAMP, 40W"), (Words{"red", "hot", "lamp", "40w"}));
  EXPECT_EQ(text::words_of("\xC3\x89tui pour caf\xC3\xA9"),
            (Words{"\xC3\x89tui", "pour", "caf\xC3\xA9"}));
  EXPECT_EQ(text::words_of(""), Words{});
  EXPECT_EQ(text::words_of(" .,"), Words{});
}

TEST(Words, AgreeWithARegularExpressionOnRandomBytes) {
  std::mt19937 random(std::random_device{}());
  const std::string alphabet = "aZ09 \t.-_\xC3\xA9\xFF";
  for (int trial = 0; trial < 300; ++trial) {
    std::string text;
    for (size_t n = random() % 30; n > 0; --n) text += alphabet[random() % alphabet.size()];
    Words expected;
    const std::regex word("[a-zA-Z0-9\x80-\xFF]+", std::regex::ECMAScript);
    for (std::sregex_iterator at(text.begin(), text.end(), word), end; at != end; ++at) {
      std::string found = at->str();
      for (char& c : found) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
      }
      expected.push_back(found);
    }
    EXPECT_EQ(text::words_of(text), expected) << text;
  }
}

}  // namespace
}  // namespace tsrec
