// Texts of the items that a data set has left, and of no others.
#pragma once

#include "table_file.hpp"
#include "tsrec/data.hpp"
#include "tsrec/options.hpp"

namespace tsrec::interactions {

// A column of texts as the data set calls it, and as the file does.
struct TextColumn {
  std::string name, in_file;
};
// Of entries "title" or "title=product_name"; none: every column of the file but `key`. Throws
// DataError, naming the option `texts`, where the file has no such column.
std::vector<TextColumn> text_columns(const std::vector<std::string>& texts,
                                     const std::vector<std::string>& in_file,
                                     const std::string& key, const std::string& file);
std::vector<std::string> names_of(const std::vector<TextColumn>& columns);  // in the data set
// "" or what is wrong with such entries.
std::string complaint_about_texts(const std::vector<std::string>& texts);

// How texts are read, in the words of the other sources that read people's files.
struct Cleaning {
  std::string clean = "html";
  void declare(Options& o);
};

class ItemTexts {
 public:
  ItemTexts(const Items& items, std::vector<std::string> columns, const Cleaning& cleaning);
  // The item of this key; nullopt where the data set has none, or where an earlier line of the file
  // was about it.
  std::optional<int64_t> item_of(std::string_view key);
  // Later lines about an item are no more than what the file is made of.
  void expect_repeats() { repeats_are_odd_ = false; }
  // Missing values stay empty.
  void set(int64_t item, size_t column, std::string text);
  void missing() { ++missing_; }  // a value that is there as NaN or null
  // The items with these columns; counts what was cleaned, missing and repeated.
  // Throws DataError where no item has an entry, because keys are then spelled in two ways. file:
  // where they should be.
  Items finished(const std::filesystem::path& file, Remarks& remarks) &&;

 private:
  Items items_;
  std::vector<std::string> columns_;
  bool is_cleaned_, repeats_are_odd_ = true;
  std::string first_key_;  // of the file's, for sentences
  std::vector<std::vector<std::string>> value_CN_;
  std::vector<bool> is_there_N_;
  std::vector<int64_t> cleaned_C_;
  int64_t missing_ = 0, repeated_ = 0;
};

// The texts of a table with one item a line; key: its column of items.
Items texts_of_table(TableFile& table, size_t key, const std::vector<TextColumn>& columns,
                     ItemTexts texts, Remarks& remarks);

}  // namespace tsrec::interactions
