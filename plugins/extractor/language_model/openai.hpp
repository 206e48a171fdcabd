// Descriptions and keywords by a language model behind a chat endpoint, as the paper has them from
// DeepSeek.
#pragma once

#include "answer.hpp"
#include "chat_model.hpp"
#include "question.hpp"

namespace tsrec::language_model {

struct OpenAiSettings {
  ChatOptions chat;
  QuestionOptions question;
  int64_t max_keywords = 20;

  void declare(Options& o);
};

class OpenAi final : public Extractor {
 public:
  OpenAi(const OpenAiSettings& settings, Context&) : settings_(settings) {}

  // Asks once for each token, and once more where the answer cannot be used; a token without a
  // usable answer, or whose items have no text, is left out with a warning.
  std::vector<TokenNote> extract(const std::vector<TokenCluster>& clusters, const Items& items,
                                 Context& context) override;

 private:
  OpenAiSettings settings_;
};

}  // namespace tsrec::language_model
