// Records of separated values, one by one: RFC 4180 with any separator, as pandas and spreadsheets
// write them.
#pragma once

#include "text_file.hpp"

namespace tsrec::interactions {

// A quoted field may hold separators, line ends and doubled quotes; a quote in the middle of a
// plain field stands for itself. Blank lines are not there.
class TableFile {
 public:
  // separator 0: of comma, tab, semicolon and '|' the one that the first line has most of. The
  // first line is the header, unless `columns` names what is in a file without one. Throws
  // DataError: no header, a column named twice.
  TableFile(const std::filesystem::path& file, char separator, Encoding encoding, Context& context,
            std::vector<std::string> columns = {});

  const std::vector<std::string>& header() const { return header_; }
  std::optional<size_t> find(std::string_view name) const;
  // A DataError that lists the header where it has no such column. option: the one that names it,
  // if any does.
  size_t column(std::string_view name, std::string_view option = "") const;
  void rename(std::vector<std::string> columns) { header_ = std::move(columns); }
  bool next();  // to the next record; false behind the last one
  const std::string& field(size_t column) const { return fields_[column]; }
  std::string place() const { return file_.place(begin_line_); }
  int64_t line() const { return begin_line_; }
  const std::filesystem::path& path() const { return file_.path(); }
  void add_remarks(Remarks& remarks) const { file_.add_remarks(remarks); }

 private:
  bool read_record();
  std::string& fresh_field();
  std::string_view quoted(std::string_view rest, std::string& field);

  TextFile file_;
  char separator_;
  std::vector<std::string> header_, fields_;  // of the fields the first num_fields_
  size_t num_fields_ = 0;
  int64_t begin_line_ = 0;
  std::optional<std::string> first_line_;  // read to find the separator, not yet as a record
};

// Without blanks at both ends.
std::string_view trimmed(std::string_view text);
// What stands in a table for a value that is not there: nothing, or what Python makes of a NaN.
bool is_missing(std::string_view text);

}  // namespace tsrec::interactions
