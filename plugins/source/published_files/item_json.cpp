#include "item_json.hpp"

#include <charconv>

#include "tsrec/io/files.hpp"

namespace tsrec::published_files {
namespace {

using nlohmann::json;

std::string plain_text(const json& value) {
  if (value.is_null()) return "";
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  if (!text.starts_with('[') || !text.ends_with(']')) return text;
  std::vector<std::string> entries;
  try {
    entries = io::parse_list_literal(text);
  } catch (const DataError&) {
    return text;  // a sentence in square brackets, not a printed list
  }
  std::string joined;
  for (const std::string& entry : entries) {
    if (entry.empty()) continue;
    if (!joined.empty()) joined += ' ';
    joined += entry;
  }
  return joined;
}

void check_object(const json& object, const std::filesystem::path& file) {
  if (!object.is_object() || object.empty()) {
    throw DataError("'", file.string(),
                    "' holds no items; expected an object with one entry per item number");
  }
}

}  // namespace

json read_json(const std::filesystem::path& file) {
  const std::string text = io::read_text(file);
  try {
    return json::parse(text);
  } catch (const json::parse_error& error) {
    const size_t at = std::min(error.byte, text.size());
    const auto line =
        1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    throw DataError(file.string(), ":", line, ": malformed JSON (byte ", at,
                    "); fetch the file again or repair it");
  }
}

std::optional<std::filesystem::path> only_file(const std::filesystem::path& folder,
                                               const std::string& ending) {
  if (!std::filesystem::is_directory(folder)) {
    throw DataError("there is no folder '", folder.string(),
                    "'; set the source's `folder` to where the data lies");
  }
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().filename().string().ends_with(ending)) found.push_back(entry.path());
  }
  if (found.size() > 1) {
    throw DataError("'", folder.string(), "' holds ", found.size(), " files that end in ", ending,
                    "; keep one");
  }
  return found.empty() ? std::nullopt : std::optional(found.front());
}

std::filesystem::path required_file(const std::filesystem::path& folder,
                                    const std::string& ending) {
  const auto found = only_file(folder, ending);
  if (!found) throw DataError("'", folder.string(), "' holds no file that ends in ", ending);
  return *found;
}

int64_t item_number(const std::string& text, int64_t num_items, const std::string& where) {
  int64_t item = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), item);
  if (error != std::errc() || end != text.data() + text.size() || item < 0 || item >= num_items) {
    throw DataError(where, ": '", text, "' is no item; expected a number from 0 to ",
                    num_items - 1);
  }
  return item;
}

Items read_items(const std::filesystem::path& file) {
  const json object = read_json(file);
  check_object(object, file);
  const auto count = static_cast<int64_t>(object.size());
  std::vector<std::string> keys;
  for (int64_t item = 0; item < count; ++item) keys.push_back(std::to_string(item));
  Items items(keys);
  for (const char* column : {"title", "description", "brand", "categories"}) {
    std::vector<std::string> values(static_cast<size_t>(count));
    for (const auto& [key, facts] : object.items()) {
      const int64_t item = item_number(key, count, file.string());
      if (!facts.is_object())
        throw DataError(file.string(), ": the entry of item ", key, " is no object");
      if (facts.contains(column)) values[static_cast<size_t>(item)] = plain_text(facts.at(column));
    }
    items.set(column, std::move(values));
  }
  return items;
}

SidTable read_index(const std::filesystem::path& file, int64_t num_items) {
  const json object = read_json(file);
  check_object(object, file);
  std::vector<std::vector<LevelCode>> sid_N(static_cast<size_t>(num_items));
  size_t num_levels = 0;
  for (const auto& [key, tokens] : object.items()) {
    auto& sid = sid_N[static_cast<size_t>(item_number(key, num_items, file.string()))];
    if (!tokens.is_array())
      throw DataError(file.string(), ": the SID of item ", key, " is no list of tokens");
    for (const json& token : tokens) {
      sid.push_back(parse_sid_token(token.is_string() ? token.get<std::string>() : token.dump()));
      if (sid.back().level + 1 != static_cast<int64_t>(sid.size())) {
        throw DataError(file.string(), ": the SID of item ", key,
                        " has its levels out of order; expected <a_..><b_..>...");
      }
    }
    num_levels = std::max(num_levels, sid.size());
  }
  SidTable sids;
  sids.sizes.assign(num_levels, 0);
  sids.code_NL = torch::full({num_items, static_cast<int64_t>(num_levels)}, -1, torch::kInt64);
  auto code = sids.code_NL.accessor<int64_t, 2>();
  for (int64_t item = 0; item < num_items; ++item) {
    const auto& sid = sid_N[static_cast<size_t>(item)];
    if (sid.empty())
      throw DataError(file.string(), ": item ", item,
                      " has no SID; every item of the catalogue needs one");
    for (size_t level = 0; level < sid.size(); ++level) {
      code[item][static_cast<int64_t>(level)] = sid[level].code;
      sids.sizes[level] = std::max(sids.sizes[level], sid[level].code + 1);
    }
  }
  return sids;
}

}  // namespace tsrec::published_files
