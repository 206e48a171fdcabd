#include "reply_cache.hpp"

#include <nlohmann/json.hpp>

#include "tsrec/io/files.hpp"

namespace tsrec::language_model {

using nlohmann::json;

std::filesystem::path ReplyCache::file_of(const std::string& endpoint,
                                          const std::string& body) const {
  const std::string digest = io::sha256(endpoint + "\n" + body);
  return folder_ / digest.substr(0, 2) / (digest + ".json");
}

std::optional<std::string> ReplyCache::find(const std::string& endpoint,
                                            const std::string& body) const {
  const std::filesystem::path file = file_of(endpoint, body);
  if (!std::filesystem::exists(file)) return std::nullopt;
  const json kept = json::parse(io::read_text(file), nullptr, /*allow_exceptions=*/false);
  if (!kept.is_object() || !kept.contains("reply") || !kept["reply"].is_string())
    return std::nullopt;  // somebody's edit: asked again, and written anew
  return kept["reply"].get<std::string>();
}

void ReplyCache::keep(const std::string& endpoint, const std::string& body,
                      const std::string& reply) const {
  const std::filesystem::path file = file_of(endpoint, body);
  std::filesystem::create_directories(file.parent_path());
  const json kept = {{"endpoint", endpoint}, {"asked", json::parse(body)}, {"reply", reply}};
  io::write_text(file, kept.dump(1) + "\n");
}

std::filesystem::path users_reply_folder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache != '\0') return std::filesystem::path(cache) / "tsrec" / "replies";
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0')
    throw ConfigError(
        "there is no place for the replies: neither XDG_CACHE_HOME nor HOME is set; give  cache = "
        "\"some/folder\"");
  return std::filesystem::path(home) / ".cache" / "tsrec" / "replies";
}

}  // namespace tsrec::language_model
