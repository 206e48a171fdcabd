#include "completion.hpp"

#include <nlohmann/json.hpp>

#include "plain_text.hpp"

namespace tsrec::language_model {
namespace {

using nlohmann::json;

json parsed(const std::string& body) { return json::parse(body, nullptr, false); }

int64_t count_in(const json& usage, const char* name) {
  const auto found = usage.find(name);
  if (found == usage.end() || !found->is_number_integer()) return 0;
  return std::max(int64_t{0}, found->get<int64_t>());
}

}  // namespace

std::optional<Completion> read_completion(const std::string& body) {
  const json reply = parsed(body);
  if (!reply.is_object() || !reply.contains("choices")) return std::nullopt;
  const json& choices = reply["choices"];
  if (!choices.is_array() || choices.empty() || !choices[0].is_object()) return std::nullopt;
  const auto message = choices[0].find("message");
  if (message == choices[0].end() || !message->is_object()) return std::nullopt;
  const auto content = message->find("content");
  const bool is_silent = content == message->end() || content->is_null();
  if (!is_silent && !content->is_string()) return std::nullopt;

  Completion completion;
  if (!is_silent) completion.content = content->get<std::string>();
  if (const auto usage = reply.find("usage"); usage != reply.end() && usage->is_object()) {
    completion.prompt_tokens = count_in(*usage, "prompt_tokens");
    completion.completion_tokens = count_in(*usage, "completion_tokens");
  }
  return completion;
}

// {"error": {"message": "..."}} of OpenAI, {"error": "..."}, {"message": "..."}, {"detail": "..."}.
std::string message_in(const std::string& body) {
  const json reply = parsed(body);
  if (reply.is_object()) {
    for (const char* name : {"error", "message", "detail"}) {
      const auto found = reply.find(name);
      if (found == reply.end()) continue;
      if (found->is_string()) return single_blanks(found->get<std::string>());
      if (found->is_object() && found->contains("message") && (*found)["message"].is_string())
        return single_blanks((*found)["message"].get<std::string>());
    }
  }
  return single_blanks(body);
}

}  // namespace tsrec::language_model
