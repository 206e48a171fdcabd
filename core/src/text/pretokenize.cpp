#include "text/pretokenize.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <string>

#include "tsrec/error.hpp"

namespace tsrec::text {
namespace {

// PCRE2's \s also takes U+180E, which is no white space for other engines; this class is the
// Unicode property White_Space, which they mean by \s.
constexpr std::string_view kWhiteSpace = R"(\t-\r\x{85}\p{Z})";

constexpr std::string_view kWords = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|)";

const char* digits(SplitPattern pattern) {
  return pattern == SplitPattern::llama3 ? R"(\p{N}{1,3})" : R"(\p{N})";
}

// The pattern in PCRE2's terms.
std::string pcre2_pattern(SplitPattern pattern) {
  const std::string space(kWhiteSpace);
  return std::string(kWords) + digits(pattern) + R"(| ?[^)" + space + R"(\p{L}\p{N}]+[\r\n]*|[)" +
         space + R"(]*[\r\n]+|[)" + space + R"(]+(?![^)" + space + R"(])|[)" + space + "]+";
}

pcre2_code* compile(SplitPattern which) {
  const std::string pattern = pcre2_pattern(which);
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                   PCRE2_UTF | PCRE2_UCP, &error, &offset, nullptr);
  if (code == nullptr) throw Error("PCRE2 refuses the split pattern at character ", offset);
  pcre2_jit_compile(code,
                    PCRE2_JIT_COMPLETE);  // without a JIT the interpreter gives the same words
  return code;
}

}  // namespace

std::string spelled(SplitPattern pattern) {
  return std::string(kWords) + digits(pattern) +
         R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
}

Pretokenizer::Pretokenizer(SplitPattern pattern)
    : code_(compile(pattern), [](const void* code) {
        pcre2_code_free(static_cast<pcre2_code*>(const_cast<void*>(code)));
      }) {}

void Pretokenizer::split(std::string_view text,
                         const std::function<void(std::string_view)>& visit) const {
  const auto* code = static_cast<const pcre2_code*>(code_.get());
  const std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> match(
      pcre2_match_data_create_from_pattern(code, nullptr), &pcre2_match_data_free);
  for (size_t at = 0; at < text.size();) {
    // Valid by contract; a check would read the whole text again for every word.
    const int count = pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), at,
                                  PCRE2_NO_UTF_CHECK | PCRE2_ANCHORED, match.get(), nullptr);
    if (count < 1)
      throw Error("PCRE2 cannot split a text of ", text.size(), " bytes: code ", count);
    const size_t end = pcre2_get_ovector_pointer(match.get())[1];
    visit(text.substr(at, end - at));
    at = end;
  }
}

}  // namespace tsrec::text
