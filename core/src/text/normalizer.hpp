// Rewrites a text before it is cut: Unicode forms, case, accents, marks for blanks.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "text/step.hpp"

namespace tsrec::text {

class Normalizer {
 public:
  using Rewrite = std::function<std::string(std::string_view text)>;

  Normalizer() = default;  // leaves texts as they are
  explicit Normalizer(const Step& step);
  std::string operator()(std::string_view text) const;

 private:
  std::vector<Rewrite> rewrites_;
};

}  // namespace tsrec::text
