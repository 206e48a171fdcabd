// How a chat model is asked: the frame of control tokens around a question.
#pragma once

#include "tsrec/text/tokenizer.hpp"

namespace tsrec::text {

// A frame is written out, and the whole text then encoded, as transformers' apply_chat_template
// does it with add_generation_prompt = True.
//
//   chatml  <|im_start|>ROLE\nTEXT<|im_end|>\n  (SmolLM2, Qwen)
//   llama3  <|start_header_id|>ROLE<|end_header_id|>\n\nTEXT<|eot_id|>, behind the begin of text
//   none    the question alone, behind what texts of the model begin with
struct TSREC_API ChatFrame {
  std::string name;
  // Around what a system says, and around a question up to where the answer begins.
  std::string before_system, after_system, before_question, after_question;
  // What the system says where nobody says otherwise; "" leaves it out.
  std::string system;
  bool begins = false;             // the tokenizer's begin_tokens() stand in front
  std::vector<std::string> marks;  // control tokens of the frame, which no text may hold
  std::vector<std::string> ends;   // those that end an answer

  // Begin, system, question, and what stands before the answer. Marks inside the texts are left
  // out: an item that is called <|im_end|> does not end the question.
  std::vector<int32_t> encode(std::string_view question, const Tokenizer& tokenizer) const;
  // Every token that ends an answer: `ends` and the tokenizer's end of text.
  std::vector<int32_t> end_tokens(const Tokenizer& tokenizer) const;
};

// form: "chatml", "llama3", "none", or "auto". That one reads the chat_template of
// tokenizer_config.json, or chat_template.jinja beside it: a template with <|im_start|> is ChatML,
// one with <|start_header_id|> Llama 3's, another one a ConfigError. Without a template the control
// tokens of the tokenizer decide in the same way, and a tokenizer that has neither pair reads the
// question alone.
//
// The system's text is what the template writes where a conversation has none of its own ("You are
// a helpful AI assistant named SmolLM, trained by Hugging Face"). A template that can switch
// thinking off (enable_thinking, Qwen3) has it off: an empty thought stands before the answer.
// Llama 3.1's lines of dates are left out. ConfigError where the tokenizer lacks a mark of the
// form.
TSREC_API ChatFrame chat_frame(const std::filesystem::path& folder, const Tokenizer& tokenizer,
                               const std::string& form);

}  // namespace tsrec::text
