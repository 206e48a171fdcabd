// A language model behind an OpenAI-compatible chat endpoint: asked by several threads, patient
// with failures that pass, and never asked the same thing twice.
#pragma once

#include "connection.hpp"
#include "pace.hpp"
#include "reply_cache.hpp"
#include "tsrec/context.hpp"
#include "tsrec/options.hpp"

namespace tsrec::language_model {

struct ChatOptions {
  std::string base_url, model, api_key_env, extra;
  std::filesystem::path ca_file, cache;
  double temperature = 0, requests_per_minute = 0, timeout = 120, first_wait = 1;
  int64_t max_tokens = 1024, concurrency = 4, retries = 5;

  void declare(Options& o);
};

// What was said so far; the roles take turns, and the user's comes first.
struct Message {
  enum class Role { user, assistant } role;
  std::string content;
};

class ChatModel {
 public:
  ChatModel(const ChatOptions& options, Context& context);

  // Within work() only. The model's reply, from the cache where it has one; retries, waits and
  // counts. Throws Error when the endpoint refuses or stays away, Interrupted when all stop.
  class Speaker {
   public:
    std::string ask(const std::vector<Message>& said);

   private:
    friend class ChatModel;
    Speaker(ChatModel& model, size_t number) : model_(model), number_(number) {}
    ChatModel& model_;
    size_t number_;
  };

  // Calls work(i, speaker) for every i below count, on up to `concurrency` threads, and
  // done(count so far) from this one. What one of them throws ends the others' waits and is thrown
  // on; a stop likewise, as Interrupted.
  void work(size_t count, const std::function<void(size_t i, Speaker& speaker)>& work,
            const std::function<void(size_t done)>& done);

 private:
  struct Crew;

  std::string request_body(const std::vector<Message>& said) const;
  std::string ask(size_t speaker, const std::string& body);
  Connection& connection(size_t speaker);
  void watch_connections();
  const std::string& key();
  void wait_before_retry(const HttpReply& reply, const std::string& trouble, int64_t retry,
                         at::Generator& jitter);
  std::string without_key(std::string text) const;
  std::string trouble_of(const HttpReply& reply) const;
  [[noreturn]] void give_up(const HttpReply& reply, const std::string& trouble,
                            int64_t tries) const;

  ChatOptions options_;
  Context& context_;
  Address address_;
  ReplyCache cache_;
  Pace pace_;
  std::mutex mutex_;                // guards key_ and connections_
  std::optional<std::string> key_;  // read when it is first needed
  std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace tsrec::language_model
