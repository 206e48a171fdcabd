// Regular expressions as tokenizer.json spells them (Oniguruma's dialect), run by PCRE2.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace tsrec::text {

// Thread-safe; copies share the compiled pattern.
class Regex {
 public:
  // Throws DataError where the pattern is malformed or means something else to PCRE2.
  explicit Regex(const std::string& pattern);
  // Matches of valid UTF-8 from left to right. As in Oniguruma a match may be empty, but not right
  // behind another one.
  void each_match(std::string_view text,
                  const std::function<void(size_t begin, size_t end)>& on_match) const;

 private:
  std::shared_ptr<const void> code_;
};

// The pattern in PCRE2's dialect.
std::string in_pcre2(const std::string& pattern);

}  // namespace tsrec::text
