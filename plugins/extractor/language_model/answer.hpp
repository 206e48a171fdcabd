// What a language model answered about a SID token: a description and keywords, out of whatever it
// wrote around them.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::language_model {

struct Answer {
  std::string description;
  std::vector<std::string> keywords;
};

struct Reading {
  Answer answer;
  std::string complaint;  // "" or what is wrong with the reply, in words that the model can use
  bool is_usable() const { return complaint.empty(); }
};

// The last JSON object of the reply that has a description and keywords; before it a model may have
// thought aloud, around it there may be prose or a code fence. Names of the two in any case;
// keywords are a list of strings, or one string with commas. Line breaks within strings, which JSON
// forbids and small models write, are blanks.
//
// The description has single blanks. Keywords are trimmed; empty ones, those of more than 100
// characters, and those that stand there already in other letters' case are dropped, and so are all
// behind the first max_keywords. Unusable: no such object, no description, or no keyword left.
Reading read_answer(std::string_view reply, int64_t max_keywords = 20);

// Of texts as a model wrote them: the rule above.
std::vector<std::string> clean_keywords(const std::vector<std::string>& written, int64_t most);

}  // namespace tsrec::language_model
