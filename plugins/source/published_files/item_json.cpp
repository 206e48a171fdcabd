#include "item_json.hpp"

#include <numeric>

#include "json_file.hpp"
#include "sid_rows.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::published_files {
namespace {

using nlohmann::json;
using Remarks = std::map<std::string, int64_t>;

// What the file says of one item.
struct ItemFacts {
  std::string key;
  json facts;
  int64_t line = 0;
};

std::string without_list_marks(const std::string& text) {
  if (!text.starts_with('[') || !text.ends_with(']')) return text;
  std::string joined;
  try {
    for (const std::string& entry : io::parse_list_literal(text)) {
      if (!entry.empty()) joined += (joined.empty() ? "" : " ") + entry;
    }
  } catch (const DataError&) {
    return text;  // a sentence in square brackets, not a printed list
  }
  return joined;
}

std::string plain_text(const json& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return without_list_marks(value.get<std::string>());
  if (!value.is_array()) return value.dump();
  std::string joined;
  for (const json& entry : value) {
    const std::string text = entry.is_string() ? entry.get<std::string>() : plain_text(entry);
    if (!text.empty()) joined += (joined.empty() ? "" : " ") + text;
  }
  return joined;
}

std::string key_text(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// The item that a record names; nullptr: the object is no record, but items by their keys.
const JsonEntry* name_of_record(const JsonEntries& object) {
  for (const char* name : {"item", "item_id", "id"}) {
    for (const JsonEntry& entry : object) {
      if (entry.key == name && entry.value.is_primitive()) return &entry;
    }
  }
  return nullptr;
}

void add_items(JsonEntries& object, const JsonFile& file, std::vector<ItemFacts>& all) {
  if (object.empty()) return;
  if (const JsonEntry* const name = name_of_record(object)) {
    ItemFacts item{key_text(name->value), json::object(), object.front().line};
    for (JsonEntry& entry : object) item.facts[entry.key] = std::move(entry.value);
    all.push_back(std::move(item));
    return;
  }
  for (JsonEntry& entry : object) {
    if (!entry.value.is_object())
      throw DataError(file.place(entry.line), "the entry '", entry.key,
                      "' is no object; expected the texts of an item, {\"title\": ...}, or records "
                      "that name their item as `item`, `item_id` or `id`");
    all.push_back({std::move(entry.key), std::move(entry.value), entry.line});
  }
}

void refuse_repeated(const std::vector<ItemFacts>& all, const JsonFile& file) {
  std::map<std::string_view, int64_t> line_of;
  for (const ItemFacts& item : all) {
    const auto [first, is_new] = line_of.emplace(item.key, item.line);
    if (!is_new)
      throw DataError(file.place(item.line), "item '", item.key, "' was listed in line ",
                      first->second, " already; expected every item once");
  }
}

}  // namespace

std::vector<size_t> item_order(const std::vector<std::string>& keys) {
  std::vector<size_t> order(keys.size());
  std::iota(order.begin(), order.end(), 0);
  std::map<std::string_view, size_t> row_of;
  for (size_t row = 0; row < keys.size(); ++row) row_of.emplace(keys[row], row);
  std::vector<size_t> by_number;
  for (size_t number = 0; number < keys.size(); ++number) {
    const auto found = row_of.find(std::to_string(number));
    if (found == row_of.end()) return order;
    by_number.push_back(found->second);
  }
  return by_number;
}

int64_t item_named(const Items& items, const std::string& key, const std::string& place) {
  const std::optional<int64_t> item = items.find(key);
  if (!item)
    throw DataError(place, "'", key, "' is no item; expected a key of the catalogue's ",
                    items.size(), " items, such as '", items.key(0), "'");
  return *item;
}

Items read_items(const std::filesystem::path& file, const Reading& reading, Remarks& remarks) {
  JsonFile json_file = read_json(file);
  std::vector<ItemFacts> read;
  for (JsonEntries& object : json_file.objects) add_items(object, json_file, read);
  if (read.empty()) {
    throw DataError("'", file.string(),
                    "' holds no items; expected an object with one entry per item");
  }
  refuse_repeated(read, json_file);
  std::vector<std::string> keys;
  for (const ItemFacts& item : read) keys.push_back(item.key);
  const std::vector<size_t> order = item_order(keys);
  for (size_t item = 0; item < order.size(); ++item) keys[item] = read[order[item]].key;

  Items items(keys);
  int64_t missing = 0;
  for (const char* column : {"title", "description", "brand", "categories"}) {
    std::vector<std::string> values;
    for (const size_t row : order) {
      const auto fact = read[row].facts.find(column);
      const bool is_there = fact != read[row].facts.end();
      missing += is_there && fact->is_null() ? 1 : 0;
      values.push_back(is_there ? reading.cleaned(plain_text(*fact), column, remarks)
                                : std::string());
    }
    items.set(column, std::move(values));
  }
  if (missing > 0) remarks["values NaN, infinite or null, read as missing"] += missing;
  if (json_file.replaced > 0)
    remarks["halves of characters (surrogates), replaced by U+FFFD"] += json_file.replaced;
  return items;
}

SidTable read_index(const std::filesystem::path& file, const Items& items, const Reading& reading) {
  const JsonFile json_file = read_json(file);
  SidRows rows(items, SidSpelling(reading.sid_format));
  for (const JsonEntries& object : json_file.objects) {
    for (const JsonEntry& entry : object) {
      const std::string place = json_file.place(entry.line);
      if (entry.value.is_string()) {
        rows.add(entry.key, entry.value.get<std::string>(), place);
        continue;
      }
      if (!entry.value.is_array())
        throw DataError(place, "the SID of item '", entry.key,
                        "' is no list of tokens; expected [\"<a_236>\", ...]");
      std::vector<std::string> tokens;
      for (const json& token : entry.value) tokens.push_back(key_text(token));
      rows.add(entry.key, tokens, place);
    }
  }
  return rows.table(file);
}

}  // namespace tsrec::published_files
