#include "answer.hpp"

#include <nlohmann/json.hpp>
#include <set>

#include "plain_text.hpp"

namespace tsrec::language_model {
namespace {

using nlohmann::json;

constexpr int64_t kKeywordCharacters = 100;
constexpr int kTries = 100;  // opening braces that may turn out to be prose

Reading unusable(std::string complaint) { return {{}, std::move(complaint)}; }

// --- the object ----------------------------------------------------------------------------------
// From an opening brace to the one that closes it, with blanks for control characters in strings.
// Empty when none closes it.
std::string balanced(std::string_view text) {
  std::string object;
  int depth = 0;
  bool in_string = false, is_escaped = false;
  for (const char c : text) {
    const bool is_control = static_cast<unsigned char>(c) < 0x20;
    object += in_string && is_control ? ' ' : c;
    if (is_escaped) {
      is_escaped = false;
    } else if (in_string) {
      is_escaped = c == '\\';
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{') {
      ++depth;
    } else if (c == '}' && --depth == 0) {
      return object;
    }
  }
  return "";
}

// The member of this name in any case; null when there is none.
const json* member(const json& object, std::string_view name) {
  for (const auto& [key, value] : object.items()) {
    const bool is_equal =
        std::equal(key.begin(), key.end(), name.begin(), name.end(),
                   [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; });
    if (is_equal) return &value;
  }
  return nullptr;
}

struct Found {
  json object;             // null: none
  bool is_cut = false;     // an object begins and does not end
  bool is_broken = false;  // one ends, but is no JSON
};

// The last object with a description or keywords, else the last object.
Found find_object(std::string_view reply) {
  Found found;
  bool is_answer = false;
  int tries = 0;
  for (size_t at = reply.find('{'); at != std::string_view::npos && tries < kTries; ++tries) {
    const std::string text = balanced(reply.substr(at));
    json object = text.empty() ? json(json::value_t::discarded)
                               : json::parse(text, nullptr, /*allow_exceptions=*/false);
    const bool is_object = object.is_object();
    if (is_object) {
      const bool answers =
          member(object, "description") != nullptr || member(object, "keywords") != nullptr;
      if (answers || !is_answer) found.object = std::move(object);
      is_answer = is_answer || answers;
    } else {
      (text.empty() ? found.is_cut : found.is_broken) = true;
    }
    at = reply.find('{', is_object ? at + text.size() : at + 1);
  }
  return found;
}

// --- texts ---------------------------------------------------------------------------------------
std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> pieces;
  std::istringstream in(text);
  for (std::string piece; std::getline(in, piece, ',');) pieces.push_back(piece);
  return pieces;
}

}  // namespace

std::vector<std::string> clean_keywords(const std::vector<std::string>& written, int64_t most) {
  std::vector<std::string> keywords;
  std::set<std::string> seen;
  for (const std::string& text : written) {
    if (static_cast<int64_t>(keywords.size()) == most) break;
    std::string keyword = single_blanks(text);
    if (keyword.empty() || num_characters(keyword) > kKeywordCharacters) continue;
    if (seen.insert(folded(keyword)).second) keywords.push_back(std::move(keyword));
  }
  return keywords;
}

Reading read_answer(std::string_view reply, int64_t max_keywords) {
  const Found found = find_object(reply);
  if (!found.object.is_object()) {
    if (found.is_cut && !found.is_broken)
      return unusable("the JSON object does not end; write a shorter description");
    return unusable(found.is_broken ? "the JSON object is malformed" : "there is no JSON object");
  }
  const json* description = member(found.object, "description");
  const json* keywords = member(found.object, "keywords");
  if (description == nullptr) return unusable("the JSON object has no \"description\"");
  if (!description->is_string())
    return unusable(
        c10::str("\"description\" is ", description->type_name(), "; it must be a string"));
  if (keywords == nullptr) return unusable("the JSON object has no \"keywords\"");

  std::vector<std::string> written;
  if (keywords->is_string()) {
    written = split_at_commas(keywords->get<std::string>());
  } else if (keywords->is_array()) {
    for (const json& keyword : *keywords) {
      if (!keyword.is_string())
        return unusable(c10::str("\"keywords\" has an entry that is ", keyword.type_name(),
                                 "; all must be strings"));
      written.push_back(keyword.get<std::string>());
    }
  } else {
    return unusable(
        c10::str("\"keywords\" is ", keywords->type_name(), "; it must be a list of strings"));
  }

  Reading reading{
      {single_blanks(description->get<std::string>()), clean_keywords(written, max_keywords)}, ""};
  if (reading.answer.description.empty()) return unusable("\"description\" is empty");
  if (reading.answer.keywords.empty()) return unusable("\"keywords\" has no word");
  return reading;
}

}  // namespace tsrec::language_model
