#include <algorithm>

#include "io/byte_order_mark.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::io {
namespace {

// Reads records one by one and counts lines, because quoted fields may contain line breaks.
class CsvReader {
 public:
  CsvReader(std::string_view bytes, char separator, std::string file)
      : bytes_(bytes), separator_(separator), file_(std::move(file)) {
    if (bytes_.starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
  }

  bool at_end() const { return at_ == bytes_.size(); }
  int64_t line() const { return line_; }

  std::vector<std::string> record() {
    std::vector<std::string> fields;
    do {
      fields.push_back(at_end() || bytes_[at_] != '"' ? plain_field() : quoted_field());
    } while (take(separator_));
    take('\r');
    if (!at_end() && !take('\n')) {
      throw DataError(file_, ":", line_, ": expected a separator or the end of the line after a ",
                      "closing quote; a quote inside a quoted field is written twice");
    }
    ++line_;
    return fields;
  }

 private:
  bool take(char expected) {
    if (at_end() || bytes_[at_] != expected) return false;
    ++at_;
    return true;
  }

  // A quote in the middle of a plain field stands for itself, as in `5" bolt`.
  std::string plain_field() {
    const size_t begin = at_;
    while (!at_end() && bytes_[at_] != separator_ && bytes_[at_] != '\n') ++at_;
    size_t end = at_;
    if (end > begin && (at_end() || bytes_[at_] == '\n') && bytes_[end - 1] == '\r') --end;
    return std::string(bytes_.substr(begin, end - begin));
  }

  std::string quoted_field() {
    const int64_t opened = line_;
    ++at_;
    std::string field;
    while (!at_end()) {
      const char c = bytes_[at_++];
      if (c == '"' && !take('"')) return field;
      if (c == '\n') ++line_;
      field += c;
    }
    throw DataError(file_, ":", opened, ": a quoted field that starts in this line never ends");
  }

  std::string_view bytes_;
  char separator_;
  std::string file_;
  size_t at_ = 0;
  int64_t line_ = 1;
};

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

void check_header(const Csv& csv) {
  std::vector<std::string> sorted = csv.header;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) {
    throw DataError(csv.file, ":1: the header names the column '", *twice, "' twice");
  }
}

}  // namespace

int64_t Csv::column(std::string_view name) const {
  const auto found = std::find(header.begin(), header.end(), name);
  if (found == header.end()) {
    throw DataError(file, ":1: no column '", name, "'; the header has ", joined(header));
  }
  return found - header.begin();
}

Csv read_csv(const std::filesystem::path& file) {
  const std::string bytes = read_text(file);
  const char separator = file.extension() == ".tsv" ? '\t' : ',';
  Csv csv;
  csv.file = file.string();
  CsvReader reader(bytes, separator, csv.file);
  if (reader.at_end()) throw DataError(csv.file, ": empty; expected a header line");
  csv.header = reader.record();
  check_header(csv);
  while (!reader.at_end()) {
    const int64_t line = reader.line();
    std::vector<std::string> row = reader.record();
    const bool blank = row.size() == 1 && row.front().empty();
    if (blank && csv.header.size() > 1) continue;
    if (row.size() != csv.header.size()) {
      throw DataError(csv.file, ":", line, ": ", row.size(), " fields, but the header names ",
                      csv.header.size(), " columns");
    }
    csv.rows.push_back(std::move(row));
    csv.line.push_back(line);
  }
  return csv;
}

}  // namespace tsrec::io
