// Tokens beside the vocabulary, such as <|im_end|> or the tokens of semantic IDs.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tsrec::text {

struct AddedToken {
  int32_t id = 0;
  std::string content;
  bool special = false;     // a control token; kept for whoever reads the saved folder
  bool normalized = false;  // looked for after normalisation instead of before
  bool left_strip = false, right_strip = false;  // takes the white space beside it along
  bool single_word = false;                      // not found inside a word
};

// A trie over bytes that cuts a text at the tokens it holds: leftmost first, then longest.
class AddedTokenMatcher {
 public:
  // content: what is looked for, which may be the token's own after normalisation.
  void insert(std::string_view content, const AddedToken& token);
  void split(std::string_view text, const std::function<void(std::string_view)>& on_text,
             const std::function<void(int32_t)>& on_token) const;

 private:
  struct Node {
    std::vector<std::pair<char, int32_t>> next;
    int32_t token = -1;
  };
  struct Found {
    int32_t id;
    bool left_strip, right_strip, single_word;
  };
  struct Match {
    int32_t token;
    size_t length;
  };
  int32_t child(int32_t node, char c) const;
  Match longest_at(std::string_view text, size_t at) const;

  std::vector<Node> nodes_ = std::vector<Node>(1);
  std::vector<Found> tokens_;
};

}  // namespace tsrec::text
