// What a small model repeats from the question instead of answering it.
#pragma once

#include "answer.hpp"

namespace tsrec::language_model {

// The answer without keywords that stand in the instructions and not in what the question says
// besides, its items: "keyword", "product family description". Without the description where all of
// it stands there. Letters' case does not count. question: instructions and items.
Answer without_echo(Answer answer, const std::string& question, const std::string& instructions);

}  // namespace tsrec::language_model
