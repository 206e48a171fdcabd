#include "json_line.hpp"

#include "table_file.hpp"
#include "tsrec/io/python_json.hpp"

namespace tsrec::interactions {
namespace {

using nlohmann::json;

// "syntax error while parsing value - invalid literal; last read: 'x'" without the first half.
std::string cause_of(const json::exception& error) {
  const std::string whole = error.what();
  const size_t cause = whole.find(" - ");
  return cause == std::string::npos ? whole : whole.substr(cause + 3);
}

json parsed(std::string_view line, const std::set<std::string>& fields) {
  const auto is_kept = [&](int depth, json::parse_event_t event, const json& value) {
    return depth != 1 || event != json::parse_event_t::key ||
           fields.contains(value.get_ref<const std::string&>());
  };
  return json::parse(line, is_kept);
}

}  // namespace

json record_of(std::string_view line, const std::set<std::string>& fields, const TextFile& file,
               int64_t& replaced) {
  json record;
  try {
    record = parsed(line, fields);
  } catch (const json::exception&) {  // maybe no more than what Python writes
    const io::StrictJson strict = io::strict_json(line);
    try {
      record = parsed(strict.text, fields);
    } catch (const json::exception& error) {
      throw DataError(file.place(), "malformed JSON: ", cause_of(error),
                      "; expected one record a line, so repair the line or fetch the file again");
    }
    replaced += strict.replaced;
  }
  if (!record.is_object())
    throw DataError(file.place(),
                    "expected a record, {\"...\": ...}, on this line, as in files of JSON lines");
  return record;
}

std::string text_of(const json& record, const char* field) {
  const auto found = record.find(field);
  if (found == record.end()) return "";
  if (found->is_string()) return found->get<std::string>();
  return found->is_number() || found->is_boolean() ? found->dump() : "";
}

}  // namespace tsrec::interactions
