// The tokens of a model by id and by spelling.
#pragma once

#include <c10/util/flat_hash_map.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/step.hpp"

namespace tsrec::text {

using Spellings = std::vector<std::pair<std::string, int64_t>>;  // of tokens, and their ids

// Movable; a copy would point into the original.
class Vocabulary {
 public:
  Vocabulary() = default;
  // Ids must be 0 .. n-1, each once, and every spelling must be there once; else a DataError.
  Vocabulary(const Spellings& spellings, const std::string& file);
  Vocabulary(Vocabulary&&) noexcept = default;
  Vocabulary& operator=(Vocabulary&&) noexcept = default;
  Vocabulary(const Vocabulary&) = delete;
  Vocabulary& operator=(const Vocabulary&) = delete;

  const std::vector<std::string>& pieces() const { return pieces_; }
  std::optional<int32_t> find(std::string_view spelling) const;
  // The id of a token that another field of the file names; a DataError where it is missing.
  int32_t id_of(std::string_view spelling, const std::string& file, const char* field) const;

 private:
  std::vector<std::string> pieces_;
  ska::flat_hash_map<std::string_view, int32_t> id_of_;  // the memory is that of pieces_
};

// "vocab" of a model of tokenizer.json: an object of tokens and ids.
Vocabulary read_vocabulary(const Step& step, const std::string& file);

}  // namespace tsrec::text
