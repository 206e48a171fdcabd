#include "text/decoder.hpp"

#include <array>

#include "text/byte_spelling.hpp"
#include "text/split.hpp"
#include "text/utf8.hpp"

namespace tsrec::text {
namespace {

using Tokens = Decoder::Tokens;
using Pass = Decoder::Pass;

void join_tokens(Tokens& tokens) {
  std::string joined;
  for (const std::string& token : tokens) joined += token;
  tokens.assign(1, std::move(joined));
}

// Runs of <0x..> become the characters that they spell, or one U+FFFD for each byte.
void join_bytes(Tokens& tokens) {
  constexpr const char* kBrokenByte = "\xEF\xBF\xBD";
  Tokens out;
  std::string run;
  const auto flush = [&] {
    if (run.empty()) return;
    if (is_valid_utf8(run)) {
      out.push_back(run);
    } else {
      for (size_t i = 0; i < run.size(); ++i) out.emplace_back(kBrokenByte);
    }
    run.clear();
  };
  for (std::string& token : tokens) {
    if (const auto byte = byte_of(token)) {
      run += *byte;
      continue;
    }
    flush();
    out.push_back(std::move(token));
  }
  flush();
  tokens = std::move(out);
}

Pass replace_in_tokens(const Step& step) {
  return [matches = read_pattern(step), by = step.text("content")](Tokens& tokens) {
    for (std::string& token : tokens) token = replaced(token, matches, by);
  };
}

// Up to `start` times the text in front of a token, and up to `stop` times behind it.
Pass strip_tokens(const Step& step) {
  return [content = step.text("content"), start = step.number("start"),
          stop = step.number("stop")](Tokens& tokens) {
    for (std::string& token : tokens) {
      for (int64_t i = 0; i < start && token.starts_with(content); ++i)
        token.erase(0, content.size());
      for (int64_t i = 0; i < stop && token.ends_with(content); ++i)
        token.resize(token.size() - content.size());
    }
  };
}

// Blanks between words, none before signs and the halves of English contractions.
std::string tidied(std::string text) {
  constexpr std::array<std::pair<const char*, const char*>, 11> kTidied = {{{" .", "."},
                                                                            {" ?", "?"},
                                                                            {" !", "!"},
                                                                            {" ,", ","},
                                                                            {" ' ", "'"},
                                                                            {" n't", "n't"},
                                                                            {" 'm", "'m"},
                                                                            {" do not", " don't"},
                                                                            {" 's", "'s"},
                                                                            {" 've", "'ve"},
                                                                            {" 're", "'re"}}};
  for (const auto& [from, to] : kTidied) text = replaced(text, occurrences_of(from), to);
  return text;
}

Pass join_word_pieces(const Step& step) {
  return [prefix = step.text("prefix"), tidies = step.flag("cleanup", true)](Tokens& tokens) {
    for (size_t i = 0; i < tokens.size(); ++i) {
      if (i > 0 && tokens[i].starts_with(prefix))
        tokens[i].erase(0, prefix.size());
      else if (i > 0)
        tokens[i].insert(0, " ");
      if (tidies) tokens[i] = tidied(tokens[i]);
    }
  };
}

Pass blanks_for_marks(const Step& step) {
  const bool never =
      step.text("prepend_scheme", "always") == "never" || !step.flag("add_prefix_space", true);
  return [never, marks = occurrences_of(step.text("replacement"))](Tokens& tokens) {
    for (size_t i = 0; i < tokens.size(); ++i)
      tokens[i] = replaced(tokens[i], marks, i == 0 && !never ? "" : " ");
  };
}

// The mark of a word's end becomes a blank, at the end of the text nothing.
Pass blanks_for_word_ends(const Step& step) {
  return [ends = occurrences_of(step.text("suffix"))](Tokens& tokens) {
    for (size_t i = 0; i < tokens.size(); ++i)
      tokens[i] = replaced(tokens[i], ends, i + 1 < tokens.size() ? " " : "");
  };
}

Pass read_pass(const Step& step) {
  const std::string& type = step.type();
  if (type == "Replace") return replace_in_tokens(step);
  if (type == "ByteFallback") return join_bytes;
  if (type == "Fuse") return join_tokens;
  if (type == "Strip") return strip_tokens(step);
  if (type == "WordPiece") return join_word_pieces(step);
  if (type == "Metaspace") return blanks_for_marks(step);
  if (type == "BPEDecoder") return blanks_for_word_ends(step);
  step.refuse_type(
      "ByteLevel (behind the pre-tokenizer ByteLevel), Replace, ByteFallback, Fuse, Strip, "
      "WordPiece, Metaspace, BPEDecoder and Sequence");
}

void collect_passes(const Step& step, bool is_byte_level, std::vector<Pass>& passes) {
  if (step.type() == "Sequence") {
    for (const Step& part : step.steps("decoders")) collect_passes(part, is_byte_level, passes);
  } else if (step.type() != "ByteLevel" || !is_byte_level) {
    passes.push_back(read_pass(step));
  }
}

}  // namespace

Decoder Decoder::of_bytes() {
  Decoder decoder;
  decoder.passes_.clear();
  return decoder;
}

Decoder::Decoder() {
  passes_.emplace_back([](Tokens& tokens) {
    for (size_t i = 1; i < tokens.size(); ++i) tokens[i].insert(0, " ");
  });
}

Decoder::Decoder(const Step& step, bool is_byte_level) {
  collect_passes(step, is_byte_level, passes_);
}

std::string Decoder::operator()(Tokens tokens) const {
  for (const Pass& pass : passes_) pass(tokens);
  join_tokens(tokens);
  return tokens.front();
}

}  // namespace tsrec::text
