#include "echo.hpp"

#include "plain_text.hpp"

namespace tsrec::language_model {
namespace {

int64_t occurrences(std::string_view text, std::string_view part) {
  int64_t count = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1))
    ++count;
  return count;
}

}  // namespace

Answer without_echo(Answer answer, const std::string& question, const std::string& instructions) {
  const std::string asked = folded(question), instructed = folded(instructions);
  const auto is_echo = [&](const std::string& text) {
    std::string said = folded(text);
    while (said.ends_with('.')) said.pop_back();
    const int64_t here = occurrences(instructed, said);
    return here > 0 && occurrences(asked, said) <= here;
  };
  std::erase_if(answer.keywords, is_echo);
  if (!answer.description.empty() && is_echo(answer.description)) answer.description.clear();
  return answer;
}

}  // namespace tsrec::language_model
