#include "tsrec/text/chat.hpp"

#include "io/json.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::text {
namespace {

constexpr const char* kEmptyThought = "<think>\n\n</think>\n\n";

ChatFrame chatml() {
  ChatFrame frame;
  frame.name = "chatml";
  frame.before_system = "<|im_start|>system\n";
  frame.after_system = "<|im_end|>\n";
  frame.before_question = "<|im_start|>user\n";
  frame.after_question = "<|im_end|>\n<|im_start|>assistant\n";
  frame.marks = {"<|im_start|>", "<|im_end|>"};
  frame.ends = {"<|im_end|>"};
  return frame;
}

ChatFrame llama3() {
  ChatFrame frame;
  frame.name = "llama3";
  frame.before_system = "<|start_header_id|>system<|end_header_id|>\n\n";
  frame.after_system = "<|eot_id|>";
  frame.before_question = "<|start_header_id|>user<|end_header_id|>\n\n";
  frame.after_question = "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n";
  frame.begins = true;
  frame.marks = {"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"};
  frame.ends = {"<|eot_id|>"};
  return frame;
}

ChatFrame none() {
  ChatFrame frame;
  frame.name = "none";
  frame.begins = true;
  return frame;
}

bool has_marks(const ChatFrame& frame, const Tokenizer& tokenizer) {
  return std::all_of(frame.marks.begin(), frame.marks.end(),
                     [&](const std::string& mark) { return tokenizer.find(mark).has_value(); });
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// One text, or a list of named ones of which "default" is for conversations. "" for none.
std::string template_in(const nlohmann::json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return "";
  for (const nlohmann::json& named : value) {
    if (named.is_object() && named.value("name", "") == "default")
      return named.value("template", "");
  }
  return "";
}

std::string template_of(const std::filesystem::path& folder) {
  if (std::filesystem::exists(folder / "chat_template.jinja"))
    return io::read_text(folder / "chat_template.jinja");
  const std::filesystem::path file = folder / "tokenizer_config.json";
  if (!std::filesystem::exists(file)) return "";
  const nlohmann::json config = io::parse_json(io::read_text(file), file.string());
  const auto found = config.find("chat_template");
  return found == config.end() ? "" : template_in(*found);
}

// The literal text between the system's marks: behind "<|im_start|>system" and a line break, as it
// is or as \n in a literal of the template. What is put together there from other things is none.
std::string system_of(const std::string& whole, const ChatFrame& frame) {
  const std::string head = frame.before_system.substr(0, frame.before_system.find('\n'));
  const std::string end = frame.after_system.substr(0, frame.after_system.find('\n'));
  for (size_t at = whole.find(head); at != std::string::npos; at = whole.find(head, at + 1)) {
    std::string_view rest = std::string_view(whole).substr(at + head.size());
    for (size_t lines = 0; lines < frame.before_system.size() - head.size(); ++lines) {
      const std::string_view line_break = rest.starts_with('\n') ? "\n" : "\\n";
      if (rest.starts_with(line_break)) rest.remove_prefix(line_break.size());
    }
    const std::string_view text = rest.substr(0, rest.find(end));
    if (text.size() == rest.size() || text.empty()) continue;
    if (text.find_first_of("'\"{}\\<") == std::string_view::npos) return std::string(text);
  }
  return "";
}

ChatFrame recognised(const std::string& whole, const std::filesystem::path& folder,
                     const Tokenizer& tokenizer) {
  for (ChatFrame frame : {chatml(), llama3()}) {
    const bool is_it =
        whole.empty() ? has_marks(frame, tokenizer) : contains(whole, frame.marks.front());
    if (is_it) return frame;
  }
  if (whole.empty()) return none();
  throw ConfigError("the chat template of '", folder.string(),
                    "' is neither ChatML (<|im_start|>) nor Llama 3's (<|start_header_id|>); "
                    "chat = \"none\" asks without a frame");
}

std::string without(std::string_view text, const std::vector<std::string>& marks) {
  std::string clean(text);
  for (bool found = true; found;) {  // what is left may spell a mark again
    found = false;
    for (const std::string& mark : marks) {
      for (size_t at = clean.find(mark); at != std::string::npos; at = clean.find(mark)) {
        clean.erase(at, mark.size());
        found = true;
      }
    }
  }
  return clean;
}

}  // namespace

std::vector<int32_t> ChatFrame::encode(std::string_view question,
                                       const Tokenizer& tokenizer) const {
  std::string text;
  if (!system.empty()) text = before_system + without(system, marks) + after_system;
  text += before_question + without(question, marks) + after_question;
  std::vector<int32_t> ids;
  if (begins) ids = tokenizer.begin_tokens();
  const std::vector<int32_t> rest = tokenizer.encode(text);
  ids.insert(ids.end(), rest.begin(), rest.end());
  return ids;
}

std::vector<int32_t> ChatFrame::end_tokens(const Tokenizer& tokenizer) const {
  std::vector<int32_t> tokens = {tokenizer.eos()};
  for (const std::string& end : ends) {
    const std::optional<int32_t> token = tokenizer.find(end);
    if (token && *token != tokens.front()) tokens.push_back(*token);
  }
  return tokens;
}

ChatFrame chat_frame(const std::filesystem::path& folder, const Tokenizer& tokenizer,
                     const std::string& form) {
  const std::string whole = template_of(folder);
  ChatFrame frame;
  if (form == "auto") {
    frame = recognised(whole, folder, tokenizer);
  } else if (form == "chatml") {
    frame = chatml();
  } else if (form == "llama3") {
    frame = llama3();
  } else if (form == "none") {
    frame = none();
  } else {
    throw ConfigError("there is no chat form '", form, "'; auto, chatml, llama3 and none are");
  }
  for (const std::string& mark : frame.marks) {
    if (!tokenizer.find(mark)) {
      throw ConfigError("the tokenizer of '", folder.string(), "' has no token ", mark,
                        ", which a chat in the form ", frame.name,
                        " needs; chat = \"none\" asks without a frame");
    }
  }
  if (frame.name == "none" || !contains(whole, frame.marks.front())) return frame;
  frame.system = system_of(whole, frame);
  frame.begins = frame.begins || contains(whole, "bos_token");
  if (contains(whole, "enable_thinking")) frame.after_question += kEmptyThought;
  return frame;
}

}  // namespace tsrec::text
