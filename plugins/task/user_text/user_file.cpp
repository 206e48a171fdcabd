#include "user_file.hpp"

#include <nlohmann/json.hpp>

#include "tsrec/io/files.hpp"
#include "tsrec/io/python_json.hpp"

namespace tsrec::user_text {
namespace {

using nlohmann::json;

// Texts that say something.
std::vector<std::string> texts_of(const json& list) {
  std::vector<std::string> texts;
  for (const json& text : list) {
    auto words = text.get<std::string>();
    if (words.find_first_not_of(" \t\r\n") != std::string::npos) texts.push_back(std::move(words));
  }
  return texts;
}

class Reader {
 public:
  Reader(const std::filesystem::path& file, const Items& items) : file_(file), items_(items) {}

  UserFile read() const {
    try {
      const json users = json::parse(io::strict_json(io::read_text(file_)).text);
      const json &preferences = users.at("user_explicit_preference"),
                 &intentions = users.at("user_vague_intention");
      return {.train = intentions_of(intentions.at("train"), preferences),
              .test = intentions_of(intentions.at("test"), preferences)};
    } catch (const json::exception& error) {
      throw DataError("'", file_.string(), "' is malformed: ", error.what(),
                      "; expected LC-Rec's user.json: {\"user_explicit_preference\": {user: "
                      "[text, ..]}, \"user_vague_intention\": {\"train\": {user: {\"item\": item, "
                      "\"inters\": [item, ..], \"querys\": [text, ..]}}, \"test\": {..}}}");
    }
  }

 private:
  std::vector<Intention> intentions_of(const json& entries, const json& preferences) const {
    std::vector<Intention> intentions;
    for (const auto& [user, entry] : entries.items()) {
      Intention intention;
      intention.item = item_of(entry.at("item"), user);
      for (const json& item : entry.at("inters")) intention.history.push_back(item_of(item, user));
      intention.queries = texts_of(entry.at("querys"));
      if (preferences.contains(user)) intention.preferences = texts_of(preferences.at(user));
      intentions.push_back(std::move(intention));
    }
    return intentions;
  }
  int64_t item_of(const json& name, const std::string& user) const {
    const std::string key = name.is_string() ? name.get<std::string>() : name.dump();
    const std::optional<int64_t> item = items_.find(key);
    if (!item)
      throw DataError("'", file_.string(), "': user '", user, "' has the item '", key,
                      "', which the catalogue has not; use the file that belongs to this data set");
    return *item;
  }

  const std::filesystem::path& file_;
  const Items& items_;
};

}  // namespace

UserFile read_users(const std::filesystem::path& file, const Items& items) {
  return Reader(file, items).read();
}

}  // namespace tsrec::user_text
