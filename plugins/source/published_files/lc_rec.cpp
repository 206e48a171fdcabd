#include "lc_rec.hpp"

#include "item_json.hpp"

namespace tsrec::published_files {
namespace {

using nlohmann::json;

// Users in the file's order of numbers, so that the result does not depend on how JSON objects are
// sorted.
std::vector<UserSequence> read_users(const std::filesystem::path& file, int64_t num_items) {
  const json object = read_json(file);
  if (!object.is_object() || object.empty()) {
    throw DataError("'", file.string(),
                    "' holds no users; expected an object: user number -> list of item numbers");
  }
  std::map<int64_t, UserSequence> users;
  for (const auto& [key, items] : object.items()) {
    const std::string where = file.string() + ": user '" + key + "'";
    UserSequence user;
    user.user = item_number(key, std::numeric_limits<int64_t>::max(), where);
    if (!items.is_array()) throw DataError(where, " has no list of items");
    for (const json& item : items) {
      user.items.push_back(
          item_number(item.is_string() ? item.get<std::string>() : item.dump(), num_items, where));
      user.times.push_back(static_cast<int64_t>(user.times.size()));
    }
    users.emplace(user.user, std::move(user));
  }
  std::vector<UserSequence> sequences;
  for (auto& [number, user] : users) sequences.push_back(std::move(user));
  return sequences;
}

}  // namespace

Dataset LcRec::load(Context& context) {
  Dataset data;
  data.items = read_items(required_file(settings_.folder, ".item.json"));
  const std::vector<UserSequence> users =
      read_users(required_file(settings_.folder, ".inter.json"), data.items.size());
  split_leave_one_out(users, settings_.max_history, data);
  if (data.test.size() == 0) {
    throw DataError("no user in '", settings_.folder.string(),
                    "' has three items, so there is nothing to validate and test on; leave-one-out "
                    "needs three");
  }
  if (!settings_.index.empty()) {
    data.sids = read_index(settings_.folder / settings_.index, data.items.size());
  } else if (const auto index = only_file(settings_.folder, ".index.json")) {
    data.sids = read_index(*index, data.items.size());
  }
  const auto short_users = static_cast<int64_t>(users.size()) - data.test.size();
  if (short_users > 0) {
    context.log(
        Level::warning,
        c10::str(short_users, " users have fewer than three items and are only trained on"));
  }
  return data;
}

}  // namespace tsrec::published_files
