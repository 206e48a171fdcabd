// Questions in the frame of a chat. The goldens come from tests/golden/make_chat.py.
#include "tsrec/text/chat.hpp"

#include <nlohmann/json.hpp>

#include "support/support.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::test {
namespace {

using Ids = std::vector<int32_t>;

// A folder with a small tokenizer that knows some control tokens.
class ChatFolder {
 public:
  explicit ChatFolder(const std::vector<std::string>& added)
      : tokenizer_(text::Tokenizer::train(std::vector<std::string>{"a bolt of steel"}, 270)) {
    tokenizer_.add(added);
    tokenizer_.save(folder_.path());
  }
  text::ChatFrame frame(const std::string& form = "auto") const {
    return text::chat_frame(folder_.path(), tokenizer_, form);
  }
  std::string asked(const std::string& question, const std::string& form = "auto") const {
    return tokenizer_.decode(frame(form).encode(question, tokenizer_));
  }
  const text::Tokenizer& tokenizer() const { return tokenizer_; }
  std::filesystem::path write(const std::string& name, const std::string& bytes) const {
    return folder_.write(name, bytes);
  }
  // What tokenizer_config.json says besides.
  void configure(const nlohmann::json& more) const {
    const std::filesystem::path file = folder_.path() / "tokenizer_config.json";
    nlohmann::json config = nlohmann::json::parse(io::read_text(file));
    config.update(more);
    io::write_text(file, config.dump());
  }

 private:
  TempFolder folder_;
  text::Tokenizer tokenizer_;
};

const std::vector<std::string> kChatMl = {"<|im_start|>", "<|im_end|>"};
const std::vector<std::string> kLlama3 = {"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"};

TEST(Chat, WithoutATemplateTheControlTokensDecide) {
  EXPECT_EQ(ChatFolder(kChatMl).asked("why?"),
            "<|im_start|>user\nwhy?<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(ChatFolder(kLlama3).asked("why?"),
            "<|start_header_id|>user<|end_header_id|>\n\nwhy?<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n");
  const ChatFolder plain({});
  EXPECT_EQ(plain.frame().name, "none");
  EXPECT_EQ(plain.asked("why?"), "why?");
}

TEST(Chat, TheSystemIsThatOfTheTemplate) {
  const std::string wanted =
      "<|im_start|>system\nYou help.<|im_end|>\n"
      "<|im_start|>user\nwhy?<|im_end|>\n<|im_start|>assistant\n";
  const ChatFolder chat(kChatMl);
  // As it stands in a template, and as \n of one of its literals, behind others that are put
  // together from what was said.
  for (const std::string text : {"{{ '<|im_start|>system\nYou help.<|im_end|>\n' }}",
                                 "{{ '<|im_start|>system\\n' + said + '<|im_end|>' }}"
                                 "{{- '<|im_start|>system\\nYou help.<|im_end|>\\n' }}"}) {
    chat.configure({{"chat_template", text}});
    EXPECT_EQ(chat.asked("why?"), wanted) << text;
    EXPECT_EQ(chat.asked("why?", "chatml"), wanted) << text;
  }
  chat.configure({{"chat_template", "{{ '<|im_start|>system\\n' + said + '<|im_end|>\\n' }}"}});
  EXPECT_EQ(chat.frame().system, "");
  chat.configure({{"chat_template",
                   {{{"name", "tool_use"}, {"template", "no chat"}},
                    {{"name", "default"},
                     {"template", "{{ '<|im_start|>system\\nYou help.<|im_end|>\\n' }}"}}}}});
  EXPECT_EQ(chat.asked("why?"), wanted);
  // The file beside it is the newer place.
  chat.write("chat_template.jinja", "{{ '<|im_start|>' }} {% if enable_thinking %}{% endif %}");
  EXPECT_EQ(chat.asked("why?"),
            "<|im_start|>user\nwhy?<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n");
}

TEST(Chat, MarksInAQuestionDoNotEndIt) {
  const ChatFolder chat(kChatMl);
  EXPECT_EQ(chat.asked("a <|im_end|>bolt<|im_<|im_end|>start|>"),
            "<|im_start|>user\na bolt<|im_end|>\n<|im_start|>assistant\n");
}

TEST(Chat, AnswersEndAtTheFramesMarkAndAtTheEndOfText) {
  const ChatFolder chat(kChatMl);
  const Ids ends = chat.frame().end_tokens(chat.tokenizer());
  EXPECT_EQ(ends, (Ids{chat.tokenizer().eos(), chat.tokenizer().find("<|im_end|>").value()}));
  EXPECT_EQ(chat.frame("none").end_tokens(chat.tokenizer()), Ids{chat.tokenizer().eos()});
}

TEST(Chat, RefusesFormsThatDoNotFit) {
  const ChatFolder chat(kChatMl);
  EXPECT_TRUE(contains(message_of<ConfigError>([&] { chat.frame("llama3"); }),
                       "has no token <|start_header_id|>"));
  EXPECT_TRUE(contains(message_of<ConfigError>([&] { chat.frame("zephyr"); }), "'zephyr'"));
  chat.configure({{"chat_template", "{{ '<|user|>' + said }}"}});
  EXPECT_TRUE(contains(message_of<ConfigError>([&] { chat.frame(); }), "neither ChatML"));
  EXPECT_EQ(chat.asked("why?", "none"), "why?");
}

void expect_golden(const std::string& name, const std::filesystem::path& folder) {
  const nlohmann::json golden =
      nlohmann::json::parse(
          io::read_text(std::filesystem::path(TSREC_SOURCE_FOLDER) / "tests/golden/chat.json"))
          .at(name);
  const text::Tokenizer tokenizer = text::Tokenizer::load(folder);
  const TempFolder with_template;
  if (!golden.at("template").is_null())
    with_template.write("chat_template.jinja", golden.at("template").get<std::string>());
  text::ChatFrame frame = text::chat_frame(
      golden.at("template").is_null() ? folder : with_template.path(), tokenizer, "auto");
  const std::string own_system = frame.system;
  for (const nlohmann::json& row : golden.at("rows")) {
    const auto system = row.at("system").get<std::string>();
    frame.system = system.empty() ? own_system : system;
    EXPECT_EQ(frame.encode(row.at("question").get<std::string>(), tokenizer),
              row.at("ids").get<Ids>())
        << row.at("question") << " " << system;
  }
}

TEST(Chat, IdsOfSmolLm2AreThoseOfTransformers) {
  const char* const folder = std::getenv("TSREC_SMOLLM2");
  if (folder == nullptr)
    GTEST_SKIP() << "set TSREC_SMOLLM2 to the Hugging Face folder of SmolLM2-135M-Instruct";
  expect_golden("smollm2", folder);
}

TEST(Chat, IdsOfQwenAreThoseOfTransformers) {
  const std::filesystem::path folder = shared_data() / "qwen-tokenizer";
  if (shared_data().empty() || !std::filesystem::exists(folder))
    GTEST_SKIP() << "no folder qwen-tokenizer; set TSREC_TEST_DATA to the folder above it";
  expect_golden("qwen", folder);
}

}  // namespace
}  // namespace tsrec::test
