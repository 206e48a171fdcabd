#include "report/keywords.hpp"

#include "report/one_line.hpp"

namespace tsrec::host {

Keywords keywords_of(const std::vector<TokenNote>& notes, size_t most) {
  Keywords keywords;
  for (const TokenNote& note : notes) {
    std::string text;
    for (const std::string& word : note.keywords) {
      if (!text.empty() && text.size() + 2 + word.size() > most) break;
      text += (text.empty() ? "" : ", ") + word;
    }
    if (!text.empty()) keywords[note.token] = one_line(text, most);
  }
  return keywords;
}

}  // namespace tsrec::host
