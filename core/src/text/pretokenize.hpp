// Cuts text into the words inside which byte pairs may merge.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace tsrec::text {

// Digits alone (Qwen2, Qwen3), or up to three together (Llama 3); all else is the same.
enum class SplitPattern { qwen2, llama3 };
// The pattern as tokenizer.json spells it.
std::string spelled(SplitPattern pattern);

// Thread-safe; copies share the compiled pattern.
class Pretokenizer {
 public:
  explicit Pretokenizer(SplitPattern pattern);
  // Calls `visit` with consecutive words that cover `text`, which must be valid UTF-8.
  void split(std::string_view text, const std::function<void(std::string_view)>& visit) const;

 private:
  std::shared_ptr<const void> code_;
};

}  // namespace tsrec::text
