#include "text/pre_tokenizer.hpp"

#include "text/split.hpp"
#include "text/unicode.hpp"

namespace tsrec::text {
namespace {

using Cut = PreTokenizer::Cut;
using Visit = PreTokenizer::Visit;

// The words of GPT-2 (Radford et al., 2019).
constexpr const char* kGpt2Words =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
// Runs of word characters (is_word_character()), and of what is neither these nor white space.
std::string words_and_signs() {
  const std::string word =
      R"(\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\x{200C}\x{200D}\x{24B6}-\x{24E9}\x{1F130}-\x{1F149})"
      R"(\x{1F150}-\x{1F169}\x{1F170}-\x{1F189})";
  return "[" + word + "]+|[^" + word + R"(\s]+)";
}

Cut at_matches(FindMatches matches, Behavior behavior, bool inverted = false) {
  return [matches = std::move(matches), behavior, inverted](const Part& part, const Visit& visit) {
    text::split(part.text, matches, behavior, inverted, [&](std::string_view piece) {
      visit({piece, part.leads && piece.data() == part.text.data()});
    });
  };
}

Cut with_blank_in_front() {
  return [](const Part& part, const Visit& visit) {
    if (part.text.starts_with(' ')) return visit(part);
    visit({" " + std::string(part.text), part.leads});
  };
}

// Blanks become a visible mark, which every word (or the first one, or none) has in front.
Cut marks_for_blanks(const Step& step) {
  const std::string mark = step.text("replacement"), scheme = step.text("prepend_scheme", "always");
  if (scheme != "always" && scheme != "first" && scheme != "never")
    step.refuse("prepend_scheme '" + scheme + "' is not known; expected always, first or never");
  const bool never = scheme == "never" || !step.flag("add_prefix_space", true);
  const bool only_first = scheme == "first";
  const Cut at_marks = step.flag("split", true)
                           ? at_matches(occurrences_of(mark), Behavior::merged_with_next)
                           : Cut([](const Part& part, const Visit& visit) { visit(part); });
  const FindMatches blanks = occurrences_of(" ");
  return [=](const Part& part, const Visit& visit) {
    std::string marked = replaced(part.text, blanks, mark);
    const bool prepends = !never && (!only_first || part.leads) && !marked.starts_with(mark);
    if (prepends) marked.insert(0, mark);
    at_marks({marked, part.leads}, visit);
  };
}

// One step as cuts, one after the other.
std::vector<Cut> read_cuts(const Step& step) {
  const std::string& type = step.type();
  const Cut at_white_space = at_matches(characters_that(is_white_space), Behavior::removed);
  if (type == "Split") {
    const bool inverted = step.flag("invert", false);
    return {at_matches(read_pattern(step), read_behavior(step, ""), inverted)};
  }
  if (type == "Digits") {
    const bool alone = step.flag("individual_digits", false);
    return {
        at_matches(characters_that(is_number), alone ? Behavior::isolated : Behavior::contiguous)};
  }
  if (type == "Whitespace")
    return {at_matches(matches_of(words_and_signs()), Behavior::removed, /*inverted=*/true)};
  if (type == "WhitespaceSplit") return {at_white_space};
  if (type == "Punctuation")
    return {at_matches(characters_that(is_punctuation), read_behavior(step, "Isolated"))};
  if (type == "BertPreTokenizer")
    return {at_white_space, at_matches(characters_that(is_punctuation), Behavior::isolated)};
  if (type == "Metaspace") return {marks_for_blanks(step)};
  if (type == "ByteLevel") {
    std::vector<Cut> cuts;
    if (step.flag("add_prefix_space", true)) cuts.push_back(with_blank_in_front());
    if (step.flag("use_regex", true))
      cuts.push_back(at_matches(matches_of(kGpt2Words), Behavior::isolated));
    return cuts;
  }
  step.refuse_type(
      "Split, Digits, ByteLevel, Whitespace, WhitespaceSplit, Punctuation, BertPreTokenizer, "
      "Metaspace and Sequence");
}

}  // namespace

PreTokenizer::PreTokenizer(const Step& step) { collect(step); }

void PreTokenizer::collect(const Step& step) {
  if (step.type() == "Sequence") {
    for (const Step& part : step.steps("pretokenizers")) collect(part);
    return;
  }
  // Behind ByteLevel a text is spelled in the byte alphabet, which no other step expects.
  if (is_byte_level_) step.refuse("it follows ByteLevel, which must be the last step");
  is_byte_level_ = step.type() == "ByteLevel";
  for (Cut& cut : read_cuts(step)) cuts_.push_back(std::move(cut));
}

void PreTokenizer::split(const Part& part, const Visit& visit) const { split_from(0, part, visit); }

void PreTokenizer::split_from(size_t index, const Part& part, const Visit& visit) const {
  if (part.text.empty()) return;
  if (index == cuts_.size()) return visit(part);
  if (index + 1 == cuts_.size()) return cuts_[index](part, visit);
  cuts_[index](part, [&](const Part& piece) { split_from(index + 1, piece, visit); });
}

}  // namespace tsrec::text
