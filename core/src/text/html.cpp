#include "tsrec/text/html.hpp"

#include <array>
#include <charconv>
#include <set>

#include "text/named_characters.hpp"
#include "text/unicode.hpp"

namespace tsrec::text {
namespace {

constexpr size_t kNone = std::string_view::npos;
constexpr std::string_view kNoBreakSpace = "\xC2\xA0";

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Elements within a line: without their tags the words around them stand as they stood.
const std::set<std::string_view>& inline_elements() {
  static const std::set<std::string_view> names = {
      "a",      "abbr", "acronym", "b",    "bdi", "bdo",  "big",   "blink", "cite",
      "code",   "data", "del",     "dfn",  "em",  "font", "i",     "ins",   "kbd",
      "mark",   "nobr", "q",       "ruby", "s",   "samp", "small", "span",  "strike",
      "strong", "sub",  "sup",     "time", "tt",  "u",    "var",   "wbr"};
  return names;
}

const std::set<std::string_view>& other_elements() {
  static const std::set<std::string_view> names = {
      "address",    "applet",  "area",       "article",  "aside",    "audio",    "base",
      "basefont",   "bgsound", "blockquote", "body",     "br",       "button",   "canvas",
      "caption",    "center",  "col",        "colgroup", "datalist", "dd",       "details",
      "dialog",     "dir",     "div",        "dl",       "dt",       "embed",    "fieldset",
      "figcaption", "figure",  "footer",     "form",     "frame",    "frameset", "h1",
      "h2",         "h3",      "h4",         "h5",       "h6",       "head",     "header",
      "hgroup",     "hr",      "html",       "iframe",   "img",      "input",    "label",
      "legend",     "li",      "link",       "listing",  "main",     "map",      "marquee",
      "math",       "menu",    "menuitem",   "meta",     "meter",    "nav",      "noframes",
      "noscript",   "object",  "ol",         "optgroup", "option",   "output",   "p",
      "param",      "picture", "plaintext",  "pre",      "progress", "rp",       "rt",
      "script",     "section", "select",     "slot",     "source",   "style",    "summary",
      "svg",        "table",   "tbody",      "td",       "template", "textarea", "tfoot",
      "th",         "thead",   "title",      "tr",       "track",    "ul",       "video",
      "xmp"};
  return names;
}

std::string lowered(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// What Windows-1252 has at 128 .. 159; five of them are free, and stay control characters.
constexpr std::array<char32_t, 32> kWindows1252 = {
    0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021, 0x2C6,  0x2030, 0x160,
    0x2039, 0x152,  0x8D,   0x17D,  0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x2DC,  0x2122, 0x161,  0x203A, 0x153,  0x9D,   0x17E,  0x178};

// The character of "#38" or "#x26"; none if it is neither.
std::optional<char32_t> numbered_character(std::string_view name) {
  const bool is_hex = name.size() > 1 && (name[1] == 'x' || name[1] == 'X');
  const std::string_view digits = name.substr(is_hex ? 2 : 1);
  uint32_t code = 0;
  const char* const end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, code, is_hex ? 16 : 10);
  if (digits.empty() || rest != end) return std::nullopt;
  const bool is_too_large = error == std::errc::result_out_of_range || code > 0x10FFFF;
  if (is_too_large || code == 0 || (code >= 0xD800 && code <= 0xDFFF)) return U'\uFFFD';
  return code >= 128 && code < 160 ? kWindows1252[code - 128] : code;
}

class Cleaner {
 public:
  explicit Cleaner(std::string_view text) : text_(text) {}

  std::string clean() {
    while (at_ < text_.size()) {
      const bool is_html = (text_[at_] == '<' && markup()) || (text_[at_] == '&' && reference());
      found_ = found_ || is_html;
      if (!is_html) out_ += text_[at_++];
    }
    return found_ ? with_single_blanks() : std::string(text_);
  }

 private:
  // Each of these goes past what begins here and returns true, or leaves everything as it is.
  bool markup() {
    return begins("<!--") ? comment() : begins("<![CDATA[") ? verbatim() : declaration() || tag();
  }

  bool begins(std::string_view mark) const { return text_.substr(at_, mark.size()) == mark; }

  // Where the next `mark` from here on begins. One that was missed once is missed from then on.
  size_t find(std::string_view mark, size_t from) {
    if (missing_.contains(mark)) return kNone;
    const size_t found = text_.find(mark, from);
    if (found == kNone) missing_.insert(mark);
    return found;
  }

  bool comment() {
    const size_t end = find("-->", at_ + 2);  // "<!-->" is a whole one
    if (end == kNone) return false;
    at_ = end + 3;
    return true;
  }

  bool verbatim() {
    constexpr size_t kMark = 9;
    const size_t end = find("]]>", at_ + kMark);
    if (end == kNone) return false;
    out_ += text_.substr(at_ + kMark, end - at_ - kMark);
    at_ = end + 3;
    return true;
  }

  bool declaration() {
    const char sign = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    const char first = at_ + 2 < text_.size() ? text_[at_ + 2] : '\0';
    if ((sign != '!' && sign != '?') || (!is_letter(first) && first != '[')) return false;
    const size_t end = find(">", at_);
    if (end == kNone) return false;
    at_ = end + 1;
    return true;
  }

  bool tag() {
    const bool closes = begins("</");
    const size_t begin = at_ + (closes ? 2 : 1);
    size_t end = begin;
    while (end < text_.size() && (is_letter(text_[end]) || is_digit(text_[end]))) ++end;
    const std::string name = lowered(text_.substr(begin, end - begin));
    const bool is_inline = inline_elements().contains(name);
    if (!is_inline && !other_elements().contains(name)) return false;
    const size_t close = end_of_tag(end);
    if (close == kNone) return false;
    at_ = close + 1;
    if (!is_inline) out_ += ' ';
    if (!closes && name == "script") skip_to("</script");
    if (!closes && name == "style") skip_to("</style");
    return true;
  }

  // The '>' that closes a tag whose name ends at `at`. Quoted values may hold one, a '<' elsewhere
  // shows that this is no tag.
  size_t end_of_tag(size_t at) {
    if (at < text_.size() && !is_blank(text_[at]) && text_[at] != '/' && text_[at] != '>')
      return kNone;
    bool value_is_next = false;
    for (; at < text_.size(); ++at) {
      const char c = text_[at];
      if (c == '>') return at;
      if (c == '<') return kNone;
      if (value_is_next && (c == '"' || c == '\'')) {
        at = text_.find(c, at + 1);
        if (at == kNone) return kNone;
      }
      value_is_next = c == '=' || (value_is_next && is_blank(c));
    }
    return kNone;
  }

  // To the tag that ends a script or a style, where there is one; it is a tag like any other.
  void skip_to(std::string_view end_tag) {
    if (missing_.contains(end_tag)) return;
    for (size_t at = at_; at + end_tag.size() <= text_.size(); ++at) {
      if (text_[at] != '<' || lowered(text_.substr(at, end_tag.size())) != end_tag) continue;
      at_ = at;
      return;
    }
    missing_.insert(end_tag);
  }

  bool reference() {
    constexpr size_t kLongest = 16;
    const size_t begin = at_ + 1;
    size_t end = begin;
    while (end < text_.size() && end - begin <= kLongest &&
           (is_letter(text_[end]) || is_digit(text_[end]) || (end == begin && text_[end] == '#')))
      ++end;
    if (end == begin || end >= text_.size() || text_[end] != ';') return false;
    const std::string_view name = text_.substr(begin, end - begin);
    const auto code = name[0] == '#' ? numbered_character(name) : named_character(name);
    if (!code) return false;
    append_character(out_, *code);
    at_ = end + 1;
    return true;
  }

  std::string with_single_blanks() const {
    std::string text;
    bool is_apart = false;
    for (size_t at = 0; at < out_.size();) {
      const bool is_no_break = out_.compare(at, kNoBreakSpace.size(), kNoBreakSpace) == 0;
      if (is_no_break || is_blank(out_[at])) {
        is_apart = !text.empty();
        at += is_no_break ? kNoBreakSpace.size() : 1;
        continue;
      }
      if (is_apart) text += ' ';
      is_apart = false;
      text += out_[at++];
    }
    return text;
  }

  std::string_view text_;
  std::string out_;
  size_t at_ = 0;
  bool found_ = false;
  std::set<std::string_view> missing_;  // marks that the rest of the text does not hold
};

}  // namespace

std::string without_html(std::string_view text) {
  if (text.find_first_of("<&") == kNone) return std::string(text);
  return Cleaner(text).clean();
}

}  // namespace tsrec::text
