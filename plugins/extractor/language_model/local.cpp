#include "local.hpp"

#include "echo.hpp"
#include "led_answer.hpp"
#include "loose_answer.hpp"
#include "tsrec/decode/generate.hpp"
#include "tsrec/nn/causal_lm.hpp"
#include "tsrec/text/chat.hpp"

namespace tsrec::language_model {
namespace {

constexpr int64_t kMaxKeywords = 20;

using Prompt = std::vector<int32_t>;

nn::CausalLm loaded(const std::filesystem::path& folder, const Context& context) {
  nn::CausalLm model(nn::read_hf_config(folder), context.precision(), context.device());
  model.load(folder);
  model.pack_weights();
  return model;
}

// A checkpoint that answers questions.
class Responder {
 public:
  Responder(const LocalSettings& settings, Context& context)
      : settings_(settings),
        tokenizer_(text::Tokenizer::load(settings.path)),
        frame_(text::chat_frame(settings.path, tokenizer_, settings.chat)),
        model_(loaded(settings.path, context)) {
    if (!settings.system.empty()) frame_.system = settings.system;
    if (tokenizer_.size() > model_.shape().vocabulary) {
      throw DataError("extractor 'local': the tokenizer of '", settings.path.string(), "' has ",
                      tokenizer_.size(), " tokens, its model has rows for ",
                      model_.shape().vocabulary, "; they do not belong together");
    }
    context.log(Level::info, c10::str(settings.path.filename().string(), " answers, asked in the ",
                                      "form '", frame_.name, "'"));
  }

  // In the order of the questions; instructions: what all of them say beside the items.
  std::vector<Answer> answers(const std::vector<std::string>& questions,
                              const std::string& instructions, Context& context) const {
    std::vector<Prompt> prompts;
    for (const std::string& question : questions) prompts.push_back(prompt_of(question));
    const std::vector<decode::GeneratedText> texts =
        decode::generate(model_, prompts, options(), context);
    std::vector<Answer> answers;
    for (size_t q = 0; q < questions.size(); ++q) {
      const std::string reply = begin() + tokenizer_.decode(texts[q].tokens);
      answers.push_back(
          without_echo(read_loosely(reply, kMaxKeywords), questions[q], instructions));
    }
    say_lengths(prompts, texts, context);
    return answers;
  }

 private:
  std::string begin() const { return settings_.lead ? std::string(kAnswerBegin) : ""; }

  Prompt prompt_of(const std::string& question) const {
    Prompt prompt = frame_.encode(question, tokenizer_);
    const Prompt begun = tokenizer_.encode(begin());
    prompt.insert(prompt.end(), begun.begin(), begun.end());
    const int64_t most = model_.shape().max_positions;
    if (std::ssize(prompt) + settings_.max_tokens > most) {
      throw ConfigError("extractor 'local': a question of ", prompt.size(),
                        " tokens and an answer of ", settings_.max_tokens, " go beyond the ", most,
                        " positions of the model; lower items_per_token or item_characters");
    }
    return prompt;
  }

  decode::GenerateOptions options() const {
    decode::GenerateOptions options;
    options.max_new_tokens = settings_.max_tokens;
    options.num_tokens = tokenizer_.size();
    options.texts_at_once = settings_.texts_at_once;
    options.ends = frame_.end_tokens(tokenizer_);
    for (const int32_t end : model_.shape().eos_ids) options.ends.push_back(end);
    options.steer = [this](size_t, std::span<const int32_t> tokens) { return steer(tokens); };
    return options;
  }

  decode::Steer steer(std::span<const int32_t> tokens) const {
    const std::string text = tokenizer_.decode(tokens);
    if (!settings_.lead) return {.is_done = read_answer(text).is_usable(), .continue_with = {}};
    const Lead next =
        language_model::lead(text, std::ssize(tokens), settings_.description_tokens, kMaxKeywords);
    return {.is_done = next.is_done, .continue_with = tokenizer_.encode(next.continue_with)};
  }

  void say_lengths(const std::vector<Prompt>& prompts,
                   const std::vector<decode::GeneratedText>& texts, Context& context) const {
    int64_t asked = 0, written = 0, complete = 0;
    for (const Prompt& prompt : prompts) asked += std::ssize(prompt);
    for (const decode::GeneratedText& text : texts) {
      written += std::ssize(text.tokens);
      complete += text.is_complete;
    }
    const auto count = static_cast<int64_t>(texts.size());
    context.log(Level::info,
                c10::str(count, " questions of ", asked / count, " tokens on average, answers of ",
                         written / count, "; ", complete, " ended before max_tokens"));
  }

  const LocalSettings& settings_;
  text::Tokenizer tokenizer_;
  text::ChatFrame frame_;
  nn::CausalLm model_;
};

}  // namespace

LocalSettings::LocalSettings() {
  question.columns = {"title", "description"};
  question.items_per_token = 5;
  question.item_characters = 120;
}

void LocalSettings::declare(Options& o) {
  o.add("path", path)
      .required()
      .help(
          "folder of a Hugging Face checkpoint that follows instructions, of a family that "
          "backbone "
          "`pretrained` reads: config.json, safetensors, tokenizer files");
  o.add("chat", chat)
      .one_of({"auto", "chatml", "llama3", "none"})
      .help(
          "frame of the question; auto: that of the folder's chat template, or of the control "
          "tokens of its tokenizer");
  o.add("system", system).help("what the system says; empty: what the chat template says itself");
  o.add("lead", lead)
      .help(
          "begin the JSON of the answer for the model, and turn to the keywords when the "
          "description is long enough; false: it answers as it likes");
  o.add("max_tokens", max_tokens).range(8, 65536).unit("tokens").help("an answer ends there");
  o.add("description_tokens", description_tokens)
      .range(1, 65536)
      .unit("tokens")
      .help("with `lead`, the description ends there at the latest");
  o.add("texts_at_once", texts_at_once)
      .range(1, 4096)
      .help(
          "answers that a worker writes side by side: the weights are read once for a token of all "
          "of them");
  question.declare(o);
}

std::vector<TokenNote> Local::extract(const std::vector<TokenCluster>& clusters, const Items& items,
                                      Context& context) {
  if (!std::filesystem::is_directory(settings_.path)) {
    throw DataError("extractor 'local': '", settings_.path.string(),
                    "' is no folder; path must name a downloaded Hugging Face checkpoint");
  }
  if (clusters.empty()) return {};
  const torch::NoGradGuard no_grad;
  const Responder responder(settings_, context);
  QuestionOptions asked_so = settings_.question;
  asked_so.asks_for_json = !settings_.lead;
  Questions questions(asked_so, clusters, items);
  std::vector<TokenNote> notes;
  std::vector<std::string> without;
  for (const auto& [begin, end] : questions.rounds()) {
    std::vector<size_t> asked;
    std::vector<std::string> texts;
    for (size_t c = begin; c < end; ++c) {
      std::string question = questions.about(c, context);
      if (question.empty()) {
        without.push_back(clusters[c].token);
        continue;
      }
      asked.push_back(c);
      texts.push_back(std::move(question));
    }
    if (asked.empty()) continue;
    const std::vector<Answer> answers = responder.answers(texts, questions.instructions(), context);
    for (size_t i = 0; i < asked.size(); ++i) {
      const Answer& answer = answers[i];
      if (answer.description.empty() && answer.keywords.empty()) {
        without.push_back(clusters[asked[i]].token);
        continue;
      }
      notes.push_back({clusters[asked[i]].token, answer.description, answer.keywords});
      questions.learn(notes.back());
    }
  }
  if (!without.empty()) {
    context.log(Level::warning,
                c10::str("local: ", without.size(), " of ", clusters.size(),
                         " tokens are left out, as their items have no text or the model said "
                         "nothing that can be read, ",
                         without.front(), " for one"));
  }
  return notes;
}

}  // namespace tsrec::language_model
