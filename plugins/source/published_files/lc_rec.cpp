#include "lc_rec.hpp"

#include "find_file.hpp"
#include "item_json.hpp"
#include "json_file.hpp"

namespace tsrec::published_files {
namespace {

// Users have any names and are numbered in the order of the file.
std::vector<UserSequence> read_users(const std::filesystem::path& file, const Items& items) {
  const JsonFile json_file = read_json(file);
  std::vector<UserSequence> users;
  std::map<std::string, int64_t> line_of;
  for (const JsonEntries& object : json_file.objects) {
    for (const JsonEntry& entry : object) {
      const std::string place = json_file.place(entry.line) + "user '" + entry.key + "'";
      const auto [first, is_new] = line_of.emplace(entry.key, entry.line);
      if (!is_new)
        throw DataError(place, " was listed in line ", first->second,
                        " already; expected every user once");
      if (!entry.value.is_array()) throw DataError(place, " has no list of items");
      UserSequence user;
      user.user = static_cast<int64_t>(users.size());
      for (const nlohmann::json& item : entry.value) {
        const std::string key = item.is_string() ? item.get<std::string>() : item.dump();
        user.items.push_back(item_named(items, key, place + ": "));
        user.times.push_back(static_cast<int64_t>(user.times.size()));
      }
      users.push_back(std::move(user));
    }
  }
  if (users.empty()) {
    throw DataError("'", file.string(),
                    "' holds no users; expected an object: user -> list of items");
  }
  return users;
}

}  // namespace

Dataset LcRec::load(Context& context) {
  const auto file = [&](const char* ending) {
    return required_file(settings_.folder, ending, settings_.reading.dataset);
  };
  Dataset data;
  data.items = read_items(file(".item.json"), settings_.reading, data.remarks);
  const std::vector<UserSequence> users = read_users(file(".inter.json"), data.items);
  split_leave_one_out(users, settings_.max_history, data);
  if (data.test.size() == 0) {
    throw DataError("no user in '", settings_.folder.string(),
                    "' has three items, so there is nothing to validate and test on; leave-one-out "
                    "needs three");
  }
  const auto short_users = static_cast<int64_t>(users.size()) - data.test.size();
  if (short_users > 0) {
    context.log(
        Level::warning,
        c10::str(short_users, " users have fewer than three items and are only trained on"));
  }
  return data;
}

std::optional<SidTable> LcRec::sids(const Items& items, Context&) {
  const Reading& reading = settings_.reading;
  if (!settings_.index.empty())
    return read_index(settings_.folder / settings_.index, items, reading);
  const auto index = find_file(settings_.folder, ".index.json", reading.dataset, "index");
  return index ? std::optional(read_index(*index, items, reading)) : std::nullopt;
}

}  // namespace tsrec::published_files
