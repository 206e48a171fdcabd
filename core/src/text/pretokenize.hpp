// Cuts text into the words inside which byte pairs may merge.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

namespace tsrec::text {

// The split pattern as tokenizer.json of the Qwen2 family spells it.
inline constexpr std::string_view kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";

// Thread-safe; copies share the compiled pattern.
class Pretokenizer {
 public:
  Pretokenizer();
  // Calls `visit` with consecutive words that cover `text`, which must be valid UTF-8.
  void split(std::string_view text, const std::function<void(std::string_view)>& visit) const;

 private:
  std::shared_ptr<const void> code_;
};

}  // namespace tsrec::text
