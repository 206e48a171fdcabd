// What a small language model wrote about a SID token, in whatever form.
#pragma once

#include "answer.hpp"

namespace tsrec::language_model {

// read_answer() where the reply is what was asked for. Else what stands there all the same, and
// nothing that does not:
//
// Description: the string behind "description" in a broken or cut object; else what follows the
// word description and a colon, up to a blank line or the keywords; else what stands before the
// keywords, or the first paragraph. Cut behind its last whole sentence, if it has one.
//
// Keywords: behind the word keyword(s) the strings of a list in brackets, those before a cut; or
// the rest of the line at commas and semicolons; or the lines that follow, each behind a dash, a
// star, a bullet or a number. Where nothing is called keywords, such lines alone. Without
// marks of Markdown, quotes and full stops around them; entries of more than six words are no
// keywords.
//
// Either may stay empty.
Answer read_loosely(std::string_view reply, int64_t max_keywords = 20);

}  // namespace tsrec::language_model
