#include "item_texts.hpp"

#include <algorithm>
#include <set>

#include "tsrec/suggest.hpp"
#include "tsrec/text/html.hpp"

namespace tsrec::interactions {
namespace {

TextColumn text_column(const std::string& entry) {
  const size_t equals = entry.find('=');
  if (equals == std::string::npos) return {entry, entry};
  return {std::string(trimmed(entry.substr(0, equals))),
          std::string(trimmed(entry.substr(equals + 1)))};
}

}  // namespace

std::string complaint_about_texts(const std::vector<std::string>& texts) {
  std::set<std::string> names;
  for (const std::string& entry : texts) {
    const TextColumn column = text_column(entry);
    if (column.name.empty() || column.in_file.empty())
      return "texts has the entry \"" + entry +
             "\"; expected a column of the item file, \"title\", or \"title=product_name\"";
    if (!names.insert(column.name).second)
      return "texts names the column \"" + column.name + "\" twice; name it once";
  }
  return "";
}

std::vector<TextColumn> text_columns(const std::vector<std::string>& texts,
                                     const std::vector<std::string>& in_file,
                                     const std::string& key, const std::string& file) {
  std::vector<TextColumn> columns;
  for (const std::string& entry : texts) {
    columns.push_back(text_column(entry));
    const std::string& wanted = columns.back().in_file;
    if (std::find(in_file.begin(), in_file.end(), wanted) == in_file.end())
      throw DataError(file, " has no column '", wanted,
                      "', which the source's `texts` names; its "
                      "columns are ",
                      c10::Join(", ", in_file), suggest(wanted, in_file));
  }
  if (!texts.empty()) return columns;
  for (const std::string& column : in_file) {
    if (column != key) columns.push_back({column, column});
  }
  return columns;
}

void Cleaning::declare(Options& o) {
  o.add("clean", clean)
      .one_of({"html", "none"})
      .help("html: tags and comments go from texts, entities become characters");
}

std::vector<std::string> names_of(const std::vector<TextColumn>& columns) {
  std::vector<std::string> names;
  for (const TextColumn& column : columns) names.push_back(column.name);
  return names;
}

ItemTexts::ItemTexts(const Items& items, std::vector<std::string> columns, const Cleaning& cleaning)
    : items_(items),
      columns_(std::move(columns)),
      is_cleaned_(cleaning.clean == "html"),
      value_CN_(columns_.size(), std::vector<std::string>(static_cast<size_t>(items.size()))),
      is_there_N_(static_cast<size_t>(items.size())),
      cleaned_C_(columns_.size()) {}

std::optional<int64_t> ItemTexts::item_of(std::string_view key) {
  if (first_key_.empty()) first_key_ = key;
  const std::optional<int64_t> item = items_.find(key);
  if (!item) return std::nullopt;
  std::vector<bool>::reference is_there = is_there_N_[static_cast<size_t>(*item)];
  if (is_there) {
    ++repeated_;
    return std::nullopt;
  }
  is_there = true;
  return item;
}

void ItemTexts::set(int64_t item, size_t column, std::string text) {
  if (is_cleaned_) {
    std::string plain = text::without_html(text);
    cleaned_C_[column] += plain != text ? 1 : 0;
    text = std::move(plain);
  }
  value_CN_[column][static_cast<size_t>(item)] = std::move(text);
}

Items ItemTexts::finished(const std::filesystem::path& file, Remarks& remarks) && {
  const int64_t without = std::count(is_there_N_.begin(), is_there_N_.end(), false);
  if (without == items_.size())
    throw DataError("'", file.string(), "' has an entry for none of the ", items_.size(),
                    " items; the first of them is called '", items_.key(0), "', and the file's is ",
                    first_key_.empty() ? "missing" : "'" + first_key_ + "'",
                    ": spell items alike in both files, or name the right columns");
  const auto remark = [&](const std::string& what, int64_t count) {
    if (count > 0) remarks[what] += count;
  };
  for (size_t column = 0; column < columns_.size(); ++column) {
    remark("texts of '" + columns_[column] + "' cleaned of HTML", cleaned_C_[column]);
    items_.set(columns_[column], std::move(value_CN_[column]));
  }
  remark("values NaN, infinite or null, read as missing", missing_);
  if (repeats_are_odd_) remark("further entries of an item, of which the first counts", repeated_);
  remark("items without an entry in the item file", without);
  return std::move(items_);
}

Items texts_of_table(TableFile& table, size_t key, const std::vector<TextColumn>& columns,
                     ItemTexts texts, Remarks& remarks) {
  std::vector<size_t> from;
  for (const TextColumn& column : columns) from.push_back(table.column(column.in_file, "texts"));
  while (table.next()) {
    const std::string_view name = trimmed(table.field(key));
    if (is_missing(name)) continue;
    const std::optional<int64_t> item = texts.item_of(name);
    if (!item) continue;
    for (size_t column = 0; column < from.size(); ++column) {
      const std::string& value = table.field(from[column]);
      if (!is_missing(value)) {
        texts.set(*item, column, value);
      } else if (!value.empty()) {
        texts.missing();
      }
    }
  }
  table.add_remarks(remarks);
  return std::move(texts).finished(table.path(), remarks);
}

}  // namespace tsrec::interactions
