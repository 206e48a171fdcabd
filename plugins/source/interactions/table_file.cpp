#include "table_file.hpp"

#include <algorithm>

#include "tsrec/suggest.hpp"

namespace tsrec::interactions {
namespace {

constexpr size_t kLongestField = size_t{16} << 20;

char most_frequent_separator(std::string_view line) {
  char best = ',';
  int64_t most = 0;
  for (const char separator : {',', '\t', ';', '|'}) {
    const int64_t count = std::count(line.begin(), line.end(), separator);
    if (count > most) best = separator;
    most = std::max(most, count);
  }
  return best;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool is_missing(std::string_view text) { return text.empty() || text == "NaN" || text == "nan"; }

TableFile::TableFile(const std::filesystem::path& file, char separator, Encoding encoding,
                     Context& context, std::vector<std::string> columns)
    : file_(file, encoding, context), separator_(separator), header_(std::move(columns)) {
  if (separator_ == 0) {
    if (const auto line = file_.next()) first_line_ = std::string(*line);
    separator_ = most_frequent_separator(first_line_.value_or(""));
  }
  if (!header_.empty()) return;
  if (!read_record()) throw DataError(path().string(), " is empty; expected a header line");
  for (size_t i = 0; i < num_fields_; ++i) header_.emplace_back(trimmed(fields_[i]));
  std::vector<std::string> sorted = header_;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end())
    throw DataError(place(), "the header names the column '", *twice,
                    "' twice; rename one of the two");
}

std::optional<size_t> TableFile::find(std::string_view name) const {
  const auto found = std::find(header_.begin(), header_.end(), name);
  return found == header_.end() ? std::nullopt
                                : std::optional(static_cast<size_t>(found - header_.begin()));
}

size_t TableFile::column(std::string_view name, std::string_view option) const {
  if (const auto found = find(name)) return *found;
  throw DataError(path().string(), " has no column '", name, "'",
                  option.empty() ? "" : c10::str(", which the source's `", option, "` names"),
                  "; its columns are ", c10::Join(", ", header_), suggest(name, header_));
}

bool TableFile::next() {
  if (!read_record()) return false;
  if (num_fields_ != header_.size())
    throw DataError(place(), num_fields_, num_fields_ == 1 ? " field" : " fields",
                    ", but the header names ", header_.size(), " columns (",
                    c10::Join(", ", header_),
                    "); mend the line, or put quotes around a field that holds the separator");
  return true;
}

std::string& TableFile::fresh_field() {
  if (num_fields_ == fields_.size()) fields_.emplace_back();
  std::string& field = fields_[num_fields_++];
  field.clear();
  return field;
}

bool TableFile::read_record() {
  std::optional<std::string_view> line;
  do {
    line = first_line_ ? std::optional<std::string_view>(*first_line_) : file_.next();
    if (!line) return false;
    begin_line_ = file_.line();
    if (line->empty()) first_line_.reset();
  } while (line->empty());
  num_fields_ = 0;
  std::string_view rest = *line;
  while (true) {
    std::string& field = fresh_field();
    if (rest.starts_with('"')) {
      rest = quoted(rest.substr(1), field);
    } else {
      const size_t length = std::min(rest.find(separator_), rest.size());
      field = rest.substr(0, length);
      rest.remove_prefix(length);
    }
    if (rest.empty()) break;
    if (rest.front() != separator_)
      throw DataError(file_.place(),
                      "expected a separator or the end of the line after a closing quote; a quote "
                      "inside a quoted field is written twice");
    rest.remove_prefix(1);
  }
  first_line_.reset();
  return true;
}

// The field whose opening quote has been read; returns what follows the closing one in its line.
std::string_view TableFile::quoted(std::string_view rest, std::string& field) {
  const int64_t opened = file_.line();
  while (true) {
    const size_t quote = rest.find('"');
    if (quote != std::string_view::npos) {
      field += rest.substr(0, quote);
      rest.remove_prefix(quote + 1);
      if (!rest.starts_with('"')) return rest;
      field += '"';
      rest.remove_prefix(1);
      continue;
    }
    field += rest;
    field += '\n';
    const std::optional<std::string_view> line =
        field.size() < kLongestField ? file_.next() : std::nullopt;
    if (!line)
      throw DataError(file_.place(opened),
                      "a quoted field that starts in this line never ends; close the quote, or "
                      "write it twice inside of quotes");
    rest = *line;
  }
}

}  // namespace tsrec::interactions
