#include "text/normalizer.hpp"

#include <algorithm>

#include "text/precompiled_map.hpp"
#include "text/split.hpp"
#include "text/unicode.hpp"

namespace tsrec::text {
namespace {

using Rewrite = Normalizer::Rewrite;

Rewrite form(NormalForm which) {
  return [which](std::string_view text) { return normal_form(text, which); };
}

std::string without(std::string_view text, bool (*is_dropped)(char32_t)) {
  std::string out;
  each_character(text, [&](char32_t code, std::string_view bytes) {
    if (!is_dropped(code)) out += bytes;
  });
  return out;
}

std::string stripped(std::string_view text, bool left, bool right) {
  size_t begin = text.size(), end = 0;
  each_character(text, [&](char32_t code, std::string_view bytes) {
    if (is_white_space(code)) return;
    const auto at = static_cast<size_t>(bytes.data() - text.data());
    begin = std::min(begin, at);
    end = at + bytes.size();
  });
  if (end == 0 && (left || right)) return "";
  begin = left ? begin : 0;
  end = right ? end : text.size();
  return std::string(text.substr(begin, end - begin));
}

// BertNormalizer: control characters go, white space becomes blanks.
std::string cleaned(std::string_view text) {
  std::string out;
  each_character(text, [&](char32_t code, std::string_view bytes) {
    const bool is_blank = is_white_space(code);
    const bool is_dropped = code == 0 || code == 0xFFFD ||
                            (is_unprintable(code) && code != '\t' && code != '\n' && code != '\r');
    if (is_dropped) return;
    if (is_blank)
      out += ' ';
    else
      out += bytes;
  });
  return out;
}

// The blocks of CJK ideographs that BERT sets apart.
bool is_ideograph(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) ||
         (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

std::string with_blanks_around_ideographs(std::string_view text) {
  std::string out;
  each_character(text, [&](char32_t code, std::string_view bytes) {
    if (is_ideograph(code)) out += ' ';
    out += bytes;
    if (is_ideograph(code)) out += ' ';
  });
  return out;
}

Rewrite bert(const Step& step) {
  const bool lower = step.flag("lowercase", true), clean = step.flag("clean_text", true),
             ideographs = step.flag("handle_chinese_chars", true),
             strip = step.flag("strip_accents", lower);
  return [=](std::string_view text) {
    std::string out(text);
    if (clean) out = cleaned(out);
    if (ideographs) out = with_blanks_around_ideographs(out);
    if (strip) out = without(normal_form(out, NormalForm::d), is_nonspacing_mark);
    return lower ? lower_case(out) : out;
  };
}

Rewrite replace_matches(const Step& step) {
  return [matches = read_pattern(step), by = step.text("content")](std::string_view text) {
    return replaced(text, matches, by);
  };
}

Rewrite prepend(const std::string& before) {
  return [before](std::string_view text) {
    return text.empty() ? std::string() : before + std::string(text);
  };
}

Rewrite read_rewrite(const Step& step) {
  const std::string& type = step.type();
  if (type == "NFC") return form(NormalForm::c);
  if (type == "NFD") return form(NormalForm::d);
  if (type == "NFKC") return form(NormalForm::kc);
  if (type == "NFKD") return form(NormalForm::kd);
  if (type == "Lowercase") return lower_case;
  if (type == "StripAccents") return [](std::string_view text) { return without(text, is_mark); };
  if (type == "BertNormalizer") return bert(step);
  if (type == "Prepend") return prepend(step.text("prepend"));
  if (type == "Replace") return replace_matches(step);
  if (type == "Precompiled")
    return PrecompiledMap::from_base64(step.text("precompiled_charsmap"), step);
  if (type == "Strip") {
    return [left = step.flag("strip_left", true), right = step.flag("strip_right", true)](
               std::string_view text) { return stripped(text, left, right); };
  }
  step.refuse_type(
      "NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, BertNormalizer, Prepend, Replace, Strip, "
      "Precompiled and Sequence");
}

void collect_rewrites(const Step& step, std::vector<Rewrite>& rewrites) {
  if (step.type() != "Sequence") return rewrites.push_back(read_rewrite(step));
  for (const Step& part : step.steps("normalizers")) collect_rewrites(part, rewrites);
}

}  // namespace

Normalizer::Normalizer(const Step& step) { collect_rewrites(step, rewrites_); }

std::string Normalizer::operator()(std::string_view text) const {
  if (rewrites_.empty()) return std::string(text);
  std::string out = rewrites_.front()(text);
  for (size_t i = 1; i < rewrites_.size(); ++i) out = rewrites_[i](out);
  return out;
}

}  // namespace tsrec::text
