// The extractor's questions, answered by a checkpoint on this machine.
#pragma once

#include "question.hpp"

namespace tsrec::language_model {

// The defaults suit a model of a tenth of a billion weights on a few cores: short questions, short
// answers.
struct LocalSettings {
  LocalSettings();
  void declare(Options& o);

  QuestionOptions question;
  std::filesystem::path path;
  std::string chat = "auto", system;
  bool lead = true;
  int64_t max_tokens = 128, description_tokens = 48, texts_at_once = 32;
};

class Local final : public Extractor {
 public:
  Local(const LocalSettings& settings, Context&) : settings_(settings) {}
  std::vector<TokenNote> extract(const std::vector<TokenCluster>& clusters, const Items& items,
                                 Context& context) override;

 private:
  LocalSettings settings_;
};

}  // namespace tsrec::language_model
