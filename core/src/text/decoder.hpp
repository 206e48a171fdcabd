// Makes a text of tokens again.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "text/step.hpp"

namespace tsrec::text {

class Decoder {
 public:
  using Tokens = std::vector<std::string>;
  using Pass = std::function<void(Tokens& tokens)>;

  // Byte-level tokens are bytes already. Without a decoder blanks stand between tokens.
  static Decoder of_bytes();
  Decoder();
  Decoder(const Step& step, bool is_byte_level);
  std::string operator()(Tokens tokens) const;

 private:
  std::vector<Pass> passes_;
};

}  // namespace tsrec::text
