#include "json_file.hpp"

#include <algorithm>

#include "tsrec/io/files.hpp"
#include "tsrec/io/python_json.hpp"

namespace tsrec::published_files {
namespace {

using nlohmann::json;

// Finds where the entries of the outermost objects begin and end; what they hold is parsed by the
// library.
class Reader {
 public:
  Reader(std::string_view text, const JsonFile& file) : text_(text), file_(file) {}

  std::vector<JsonEntries> objects() {
    std::vector<JsonEntries> objects;
    if (next() == '[') return list();
    do objects.push_back(object());
    while (!at_end());
    return objects;
  }

 private:
  // The next byte that is not blank; at the end of the text 0.
  char next() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string::npos)
      ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool at_end() { return next() == '\0' && at_ == text_.size(); }

  int64_t line_of(size_t at) {
    line_ += std::count(text_.begin() + static_cast<std::ptrdiff_t>(counted_),
                        text_.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    counted_ = at;
    return line_;
  }

  [[noreturn]] void malformed(size_t at, const std::string& why) {
    throw DataError(file_.place(line_of(std::max(at, counted_))), "malformed JSON: ", why,
                    "; fetch the file again or repair it");
  }

  void take(char c) {
    if (next() != c || at_ == text_.size())
      malformed(at_, c10::str("expected '", c, "', found ", found()));
    ++at_;
  }
  std::string found() const {
    return at_ < text_.size() ? c10::str("'", text_.substr(at_, 1), "'") : "the end of the file";
  }

  std::vector<JsonEntries> list() {
    std::vector<JsonEntries> objects;
    take('[');
    while (next() != ']') {
      if (!objects.empty()) take(',');
      objects.push_back(object());
    }
    take(']');
    if (!at_end()) malformed(at_, "found " + found() + " behind the list");
    return objects;
  }

  JsonEntries object() {
    JsonEntries entries;
    take('{');
    while (next() != '}') {
      if (!entries.empty()) take(',');
      if (next() != '"') malformed(at_, "expected a key in quotes, found " + found());
      JsonEntry entry;
      entry.line = line_of(at_);
      entry.key = value().get<std::string>();
      take(':');
      entry.value = value();
      entries.push_back(std::move(entry));
    }
    take('}');
    return entries;
  }

  json value() {
    next();
    const size_t begin = at_;
    at_ = end_of_value();
    const std::string_view bytes = text_.substr(begin, at_ - begin);
    try {
      return json::parse(bytes);
    } catch (const json::parse_error& error) {
      malformed(begin + std::min(error.byte > 0 ? error.byte - 1 : 0, bytes.size()),
                cause_of(error));
    } catch (const json::exception& error) {  // a number that no type holds
      malformed(begin, cause_of(error));
    }
  }

  // Behind a string, behind the bracket that closes the first one, or before what follows a word.
  size_t end_of_value() const {
    size_t at = at_;
    int64_t depth = 0;
    while (at < text_.size()) {
      const char c = text_[at];
      if (depth == 0 && at > at_ && std::string_view(",:]} \t\r\n").find(c) != std::string::npos)
        break;
      if (c == '"') {
        at = end_of_string(at);
        if (depth == 0) break;
        continue;
      }
      depth += c == '[' || c == '{' ? 1 : 0;
      depth -= c == ']' || c == '}' ? 1 : 0;
      ++at;
      if (depth <= 0 && (c == ']' || c == '}')) break;
    }
    return at;
  }
  size_t end_of_string(size_t at) const {
    for (++at; at < text_.size() && text_[at] != '"'; ++at) at += text_[at] == '\\' ? 1 : 0;
    return std::min(at + 1, text_.size());
  }

  static std::string cause_of(const json::exception& error) {
    const std::string whole = error.what();
    if (whole.find("UTF-8") != std::string::npos)
      return "a byte is no UTF-8, in which JSON is written";
    const size_t cause = whole.find(" - "), last = whole.find("; last read: ");
    if (cause == std::string::npos) return whole;
    const std::string expected = whole.find("; expected ") == std::string::npos
                                     ? ""
                                     : whole.substr(whole.find("; expected "));
    return last == std::string::npos ? whole.substr(cause + 3)
                                     : whole.substr(cause + 3, last - cause - 3) + expected;
  }

  std::string_view text_;
  const JsonFile& file_;
  size_t at_ = 0, counted_ = 0;  // counted: line ends before it are in line_
  int64_t line_ = 1;
};

}  // namespace

std::string JsonFile::place(int64_t line) const { return c10::str(path.string(), ":", line, ": "); }

JsonFile read_json(const std::filesystem::path& file) {
  JsonFile read;
  read.path = file;
  const io::StrictJson strict = io::strict_json(io::read_text(file));
  read.replaced = strict.replaced;
  if (strict.text.find_first_not_of(" \t\r\n") == std::string::npos)
    throw DataError("'", file.string(), "' is empty; expected JSON");
  read.objects = Reader(strict.text, read).objects();
  return read;
}

}  // namespace tsrec::published_files
