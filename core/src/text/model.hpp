// What makes token ids of one word.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/step.hpp"

namespace tsrec::text {

class Model {
 public:
  virtual ~Model() = default;
  // Appends the ids of a word. Thread-safe.
  virtual void encode(std::string_view word, std::vector<int32_t>& out) const = 0;
  // What every id stands for; of byte-level models the bytes themselves.
  virtual const std::vector<std::string>& pieces() const = 0;
};

}  // namespace tsrec::text
