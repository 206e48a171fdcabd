#include "openai.hpp"

namespace tsrec::language_model {
namespace {

// The answer, after one request for repair where it is needed.
Reading asked(const std::string& question, int64_t max_keywords, ChatModel::Speaker& speaker,
              Context& context) {
  std::vector<Message> said = {{Message::Role::user, question}};
  std::string reply = speaker.ask(said);
  Reading reading = read_answer(reply, max_keywords);
  if (reading.is_usable()) return reading;
  context.count("repairs", 1);
  if (reply.empty()) reply = "(no words)";  // endpoints refuse an empty message
  said.push_back({Message::Role::assistant, std::move(reply)});
  said.push_back({Message::Role::user, repair_request(reading.complaint)});
  return read_answer(speaker.ask(said), max_keywords);
}

// Tokens that get no note, and why the first of them does not.
class LeftOut {
 public:
  explicit LeftOut(const char* reason) : reason_(reason) {}
  void add(const std::string& token, const std::string& why = "") {
    if (count_++ == 0) first_ = why.empty() ? token : token + " (" + why + ")";
  }
  void warn(size_t total, Context& context) const {
    if (count_ == 0) return;
    context.count("left_out", count_);
    context.log(Level::warning,
                c10::str("openai: ", count_, " of ", total, " tokens are left out, ", reason_,
                         "; the first is ", first_));
  }

 private:
  const char* reason_;
  int64_t count_ = 0;
  std::string first_;
};

}  // namespace

void OpenAiSettings::declare(Options& o) {
  chat.declare(o);
  question.declare(o);
  o.add("max_keywords", max_keywords).range(1, 1000).help("of an answer with more, the first");
}

std::vector<TokenNote> OpenAi::extract(const std::vector<TokenCluster>& clusters,
                                       const Items& items, Context& context) {
  ChatModel model(settings_.chat, context);
  Questions questions(settings_.question, clusters, items);
  LeftOut without_text("because their items have no text");
  LeftOut without_answer("because two answers could not be used");
  std::vector<TokenNote> notes;
  for (const auto& [begin, end] : questions.rounds()) {
    std::vector<std::optional<Reading>> readings(end - begin);  // none: there was nothing to ask
    model.work(
        readings.size(),
        [&, begin = begin](size_t i, ChatModel::Speaker& speaker) {
          const std::string question = questions.about(begin + i, context);
          if (!question.empty())
            readings[i] = asked(question, settings_.max_keywords, speaker, context);
        },
        [&, begin = begin](size_t done) {
          context.progress("tokens", static_cast<int64_t>(begin + done),
                           static_cast<int64_t>(clusters.size()));
        });
    for (size_t i = 0; i < readings.size(); ++i) {
      const std::string& token = clusters[begin + i].token;
      if (!readings[i]) {
        without_text.add(token);
      } else if (!readings[i]->is_usable()) {
        without_answer.add(token, readings[i]->complaint);
      } else {
        Answer& answer = readings[i]->answer;
        notes.push_back({token, std::move(answer.description), std::move(answer.keywords)});
        questions.learn(notes.back());
      }
    }
  }
  without_text.warn(clusters.size(), context);
  without_answer.warn(clusters.size(), context);
  return notes;
}

}  // namespace tsrec::language_model
