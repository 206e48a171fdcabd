// Characters of valid UTF-8 and what Unicode says of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tsrec::text {

// The character that begins at `at` in valid UTF-8, and how many bytes it has.
struct Character {
  char32_t code;
  size_t length;
};
Character character_at(std::string_view text, size_t at);
// Bytes of the character that begins at `at` of any bytes; 0: there is none.
size_t valid_length(std::string_view text, size_t at);
bool is_ascii(std::string_view text);
bool is_continuation(char byte);  // the second, third or fourth byte of a character
void append_character(std::string& text, char32_t code);

// Calls `see` with every character's code and bytes.
template <class See>
void each_character(std::string_view text, const See& see) {
  for (size_t at = 0; at < text.size();) {
    const Character character = character_at(text, at);
    see(character.code, text.substr(at, character.length));
    at += character.length;
  }
}

// The same for any bytes: `see` gets U+FFFD and no bytes for each that belongs to no character.
template <class See>
void each_valid_character(std::string_view text, const See& see) {
  for (size_t at = 0; at < text.size();) {
    const size_t length = valid_length(text, at);
    if (length == 0) {
      see(U'\uFFFD', std::string_view());
      ++at;
      continue;
    }
    see(character_at(text, at).code, text.substr(at, length));
    at += length;
  }
}

enum class NormalForm : uint8_t { c, d, kc, kd };
std::string normal_form(std::string_view text, NormalForm form);
// NFKC_Casefold: normal form KC without case and without characters that nobody sees.
std::string compatibility_folded(std::string_view text);
// Every character by itself, so that the final sigma of a word is a sigma like any other.
std::string lower_case(std::string_view text);

bool is_white_space(char32_t code);  // the property White_Space
bool is_letter(char32_t code);       // L
bool is_number(char32_t code);       // Nd, Nl, No
bool is_punctuation(char32_t code);  // P, and what else of ASCII looks like it: $ + < = > ^ ` | ~
bool is_mark(char32_t code);         // M
bool is_nonspacing_mark(char32_t code);  // Mn
bool is_unprintable(char32_t code);      // Cc, Cf, Co
bool is_word_character(char32_t code);   // \w of UTS 18: Alphabetic, M, Nd, Pc, joiners
bool begins_cluster(char32_t before, char32_t code,
                    int32_t& state);  // of user-perceived characters

}  // namespace tsrec::text
