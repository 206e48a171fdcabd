// Cuts a normalised text into words, inside which a model finds its tokens.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "text/step.hpp"

namespace tsrec::text {

// A piece of a text. leads: it stands at the beginning of the whole text.
struct Part {
  std::string_view text;
  bool leads = false;
};

class PreTokenizer {
 public:
  using Visit = std::function<void(const Part& part)>;
  using Cut = std::function<void(const Part& part, const Visit& visit)>;

  PreTokenizer() = default;  // a text is one word
  explicit PreTokenizer(const Step& step);
  // Calls `visit` with words from left to right; valid UTF-8.
  void split(const Part& part, const Visit& visit) const;
  // The model's tokens are spelled in the byte alphabet (byte_alphabet.hpp).
  bool is_byte_level() const { return is_byte_level_; }

 private:
  void collect(const Step& step);
  void split_from(size_t index, const Part& part, const Visit& visit) const;

  std::vector<Cut> cuts_;
  bool is_byte_level_ = false;
};

}  // namespace tsrec::text
