// Replies of a model on disk, so that nothing is asked twice, whatever becomes of a run.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::language_model {

// A file for each request, <folder>/<2 digits>/<SHA-256>.json, that appears whole or not at all;
// several runs may share a folder. It holds what was asked and what came back, word for word.
class ReplyCache {
 public:
  explicit ReplyCache(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // endpoint and body together are what is asked: the text, the model and its settings.
  std::optional<std::string> find(const std::string& endpoint, const std::string& body) const;
  void keep(const std::string& endpoint, const std::string& body, const std::string& reply) const;
  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path file_of(const std::string& endpoint, const std::string& body) const;

  std::filesystem::path folder_;
};

// ${XDG_CACHE_HOME}/tsrec/replies, or the same below ~/.cache. Throws ConfigError where neither is
// known.
std::filesystem::path users_reply_folder();

}  // namespace tsrec::language_model
