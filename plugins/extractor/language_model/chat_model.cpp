#include "chat_model.hpp"

#include <pthread.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "completion.hpp"
#include "plain_text.hpp"

namespace tsrec::language_model {
namespace {

using nlohmann::json;

constexpr Seconds kLongestWait{600};     // that a server may ask for
constexpr Seconds kWaitWorthSaying{10};  // shorter ones pass without a word
constexpr std::chrono::milliseconds kLook{20};
constexpr int64_t kLongestMessage = 300;  // characters of what a server says
constexpr size_t kShortestSecret = 8;     // "EMPTY" and "ollama" are no keys, and stand in texts

bool may_pass(const HttpReply& reply) {
  switch (reply.status) {
    case 0:
      return !reply.is_final;
    case 200:  // that could not be read: a proxy in between, or half an answer
    case 408:
    case 409:
    case 425:
    case 429:
      return true;
    default:
      return reply.status >= 500;
  }
}

bool is_about_the_key(const HttpReply& reply) { return reply.status == 401 || reply.status == 403; }

// Capital letters, as such variables are written: a key that was put here by mistake is refused,
// and not repeated.
std::string complaint_about_variable(const std::string& name) {
  const bool is_name =
      name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string::npos &&
      !(std::isdigit(static_cast<unsigned char>(name.empty() ? 'A' : name[0])));
  return is_name
             ? ""
             : "api_key_env must be the name of an environment variable in capital letters, such "
               "as \"DEEPSEEK_API_KEY\"; the key itself stands in no file";
}

std::string complaint_about_extra(const std::string& extra) {
  if (extra.empty() || json::parse(extra, nullptr, false).is_object()) return "";
  return R"(extra must be a JSON object, such as '{"response_format": {"type": "json_object"}}')";
}

// A connection that breaks while this side writes would otherwise end the process. Signals that
// somebody sends are the host's.
void hold_broken_pipe_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

}  // namespace

void ChatOptions::declare(Options& o) {
  o.add("base_url", base_url)
      .required()
      .help(
          "what stands before /chat/completions: \"https://api.deepseek.com\", "
          "\"http://127.0.0.1:8000/v1\"")
      .check([this] { return base_url.empty() ? "" : complaint_about_url(base_url); });
  o.add("model", model).required().help("the model's name at this endpoint");
  o.add("api_key_env", api_key_env)
      .not_in_key()
      .help(
          "name of the environment variable with the key; empty: none is sent. The key is written "
          "nowhere")
      .check([this] { return complaint_about_variable(api_key_env); });
  o.add("ca_file", ca_file)
      .place()
      .not_in_key()
      .help(
          "authorities' certificates (PEM) instead of the system's, for an endpoint with one of "
          "your own");
  o.add("temperature", temperature).range(0, 2).help("0: the likeliest words");
  o.add("max_tokens", max_tokens)
      .range(1, 1000000)
      .unit("tokens")
      .help("most of an answer; models that think before they answer need more");
  o.add("extra", extra)
      .help(
          "JSON object that goes with every request: its members are added, or replace those of "
          "the "
          "same name; null takes one away")
      .check([this] { return complaint_about_extra(extra); });
  o.add("concurrency", concurrency).range(1, 256).not_in_key().help("requests under way at a time");
  o.add("requests_per_minute", requests_per_minute)
      .range(0, 1e6)
      .not_in_key()
      .help("no more than that many; 0: no limit but what the endpoint says");
  o.add("timeout", timeout)
      .range(0.05, 86400)
      .not_in_key()
      .unit("seconds")
      .help("for a request and its whole answer");
  o.add("retries", retries)
      .range(0, 100)
      .not_in_key()
      .help("times that a request is sent again after 429, 5xx, a broken connection or a time-out");
  o.add("first_wait", first_wait)
      .range(0, 60)
      .not_in_key()
      .unit("seconds")
      .help(
          "before the first retry; doubles up to a minute, with jitter. The endpoint's Retry-After "
          "counts where it is longer");
  o.add("cache", cache)
      .place()
      .not_in_key()
      .help(
          "folder that keeps every reply, so that nothing is asked twice; empty: tsrec/replies in "
          "the user's cache");
}

ChatModel::ChatModel(const ChatOptions& options, Context& context)
    : options_(options),
      context_(context),
      address_(address_of(options.base_url)),
      cache_(options.cache.empty() ? users_reply_folder() : options.cache),
      pace_(options.requests_per_minute),
      connections_(static_cast<size_t>(options.concurrency)) {}

// --- many at a time ------------------------------------------------------------------------------
// What the threads of one work() share.
struct ChatModel::Crew {
  std::atomic<size_t> next{0};
  std::mutex mutex;
  std::condition_variable changed;
  size_t running = 0, done = 0;
  std::exception_ptr failure;
};

void ChatModel::work(size_t count, const std::function<void(size_t i, Speaker& speaker)>& work,
                     const std::function<void(size_t done)>& done) {
  if (context_.stopping()) throw Interrupted("stopped before the first question");
  Crew crew;
  const auto take_turns = [&](size_t number) {
    hold_broken_pipe_signals();
    Speaker speaker(*this, number);
    try {
      for (size_t i = crew.next++; i < count && !pace_.is_stopped(); i = crew.next++) {
        work(i, speaker);
        const std::lock_guard lock(crew.mutex);
        ++crew.done;
      }
    } catch (...) {
      const std::lock_guard lock(crew.mutex);
      if (!crew.failure) crew.failure = std::current_exception();
      pace_.stop();
    }
    const std::lock_guard lock(crew.mutex);
    --crew.running;
    crew.changed.notify_all();
  };

  crew.running = std::min(count, connections_.size());
  std::vector<std::jthread> threads;
  const auto stop = [](Pace* pace) { pace->stop(); };
  std::unique_ptr<Pace, decltype(stop)> on_failure(&pace_, stop);  // of what follows
  for (size_t number = 0; number < std::min(count, connections_.size()); ++number)
    threads.emplace_back(take_turns, number);

  bool was_stopped = false;
  size_t shown = 0;
  for (bool is_over = false; !is_over;) {
    size_t so_far = 0;
    {
      std::unique_lock lock(crew.mutex);
      is_over = crew.changed.wait_for(lock, kLook, [&] { return crew.running == 0; });
      so_far = crew.done;
    }
    if (context_.stopping()) {
      was_stopped = true;
      pace_.stop();
    }
    watch_connections();
    if (so_far > shown) done(shown = so_far);
  }
  on_failure.release();
  threads.clear();
  if (was_stopped && crew.done < count)
    throw Interrupted("stopped; the replies so far are kept in ", cache_.folder().string());
  if (crew.failure) std::rethrow_exception(crew.failure);
}

void ChatModel::watch_connections() {
  const std::lock_guard lock(mutex_);
  for (const auto& connection : connections_) {
    if (connection) connection->watch(pace_.is_stopped());
  }
}

// --- one request ---------------------------------------------------------------------------------
std::string ChatModel::Speaker::ask(const std::vector<Message>& said) {
  return model_.ask(number_, model_.request_body(said));
}

std::string ChatModel::request_body(const std::vector<Message>& said) const {
  json messages = json::array();
  for (const Message& message : said) {
    messages.push_back({{"role", message.role == Message::Role::user ? "user" : "assistant"},
                        {"content", message.content}});
  }
  json body = {{"model", options_.model},
               {"messages", std::move(messages)},
               {"temperature", options_.temperature},
               {"max_tokens", options_.max_tokens},
               {"stream", false}};
  if (!options_.extra.empty()) body.merge_patch(json::parse(options_.extra));
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string ChatModel::ask(size_t speaker, const std::string& body) {
  const std::string& endpoint = options_.base_url;
  if (const auto kept = cache_.find(endpoint, body)) {
    context_.count("cached", 1);
    return *kept;
  }
  Connection& connection = this->connection(speaker);
  if (without_key(body) != body)
    throw ConfigError("the key of ", options_.api_key_env,
                      " stands in the text of a question or in  extra; take it out there");
  at::Generator jitter = context_.generator("back-off", static_cast<int64_t>(speaker));
  for (int64_t retry = 0;; ++retry) {
    if (!pace_.wait_turn()) throw Interrupted("stopped");
    const HttpReply reply = connection.post(body);
    if (reply.status == 0 && pace_.is_stopped()) throw Interrupted("stopped");
    context_.count("requests", 1);
    if (reply.status == 200) {
      if (const auto completion = read_completion(reply.body)) {
        context_.count("prompt_tokens", completion->prompt_tokens);
        context_.count("completion_tokens", completion->completion_tokens);
        const std::string content = without_key(completion->content);
        cache_.keep(endpoint, body, content);
        return content;
      }
    }
    const std::string trouble = trouble_of(reply);
    if (!may_pass(reply) || retry == options_.retries) give_up(reply, trouble, retry + 1);
    context_.count("retries", 1);
    wait_before_retry(reply, trouble, retry, jitter);
  }
}

// A server that names a time names it to everybody who asks it.
void ChatModel::wait_before_retry(const HttpReply& reply, const std::string& trouble, int64_t retry,
                                  at::Generator& jitter) {
  const double uniform = torch::rand({}, jitter, torch::kFloat64).item<double>();
  const Seconds own = back_off(Seconds(options_.first_wait), retry, uniform);
  const auto asked = retry_after(reply.retry_after, std::chrono::system_clock::now());
  if (asked && *asked > kLongestWait)
    throw Error(options_.base_url, " asks to wait ", std::llround(asked->count()), " seconds (",
                trouble, "); run the same command then: the replies so far are kept in ",
                cache_.folder().string());
  const Seconds wait = asked ? std::max(own, *asked) : own;
  if (wait >= kWaitWorthSaying)
    context_.log(Level::info, c10::str(options_.base_url, ": ", trouble, "; waits ",
                                       std::llround(wait.count()), " seconds"));
  if (asked) {
    pace_.hold(wait);
  } else {
    pace_.sleep(wait);
  }
}

// --- what went wrong, without secrets ------------------------------------------------------------
// What is said about a refused key may repeat a part of it, so none of that is shown; and what is
// said about anything else is shortened when the key is out, or a part of it could stay.
std::string ChatModel::trouble_of(const HttpReply& reply) const {
  if (reply.status == 0) return reply.failure;
  const std::string said =
      is_about_the_key(reply)
          ? ""
          : std::string(first_characters(without_key(message_in(reply.body)), kLongestMessage));
  const std::string code = reply.status == 200 ? "an answer that is no chat completion"
                                               : "status " + std::to_string(reply.status);
  return said.empty() ? code : code + " (" + said + ")";
}

void ChatModel::give_up(const HttpReply& reply, const std::string& trouble, int64_t tries) const {
  if (is_about_the_key(reply)) {
    if (options_.api_key_env.empty())
      throw ConfigError(options_.base_url, " asks for a key (", trouble,
                        "); put it in an environment variable, and its name in  api_key_env");
    throw ConfigError(options_.base_url, " refuses the key of ", options_.api_key_env, " (",
                      trouble, "); set the variable to a key that is valid there");
  }
  if (reply.status == 0 && reply.is_final) throw Error(options_.base_url, ": ", trouble);
  if (!may_pass(reply))
    throw ConfigError(options_.base_url, " refuses the request for the model '", options_.model,
                      "': ", trouble, "; check  base_url, model, max_tokens and extra");
  throw Error(options_.base_url, " gave no reply in ", tries, tries == 1 ? " try" : " tries",
              ", at last: ", trouble,
              "; run the same command again to go on: the replies so far are kept in ",
              cache_.folder().string());
}

std::string ChatModel::without_key(std::string text) const {
  if (!key_ || key_->size() < kShortestSecret) return text;
  for (size_t at = text.find(*key_); at != std::string::npos; at = text.find(*key_, at))
    text.replace(at, key_->size(), "[key]");
  return text;
}

// --- the key, and who gets it --------------------------------------------------------------------
Connection& ChatModel::connection(size_t speaker) {
  const std::lock_guard lock(mutex_);
  if (!connections_[speaker])
    connections_[speaker] =
        std::make_unique<Connection>(address_, key(), options_.ca_file, Seconds(options_.timeout));
  return *connections_[speaker];
}

// Once, when the first question goes out: what the cache answers needs none.
const std::string& ChatModel::key() {
  if (key_) return *key_;
  std::string key;
  if (!options_.api_key_env.empty()) {
    const char* value = std::getenv(options_.api_key_env.c_str());
    if (value != nullptr) key = value;
    key.erase(key.find_last_not_of(" \t\r\n") + 1);  // of a file that it was read from
    if (key.empty())
      throw ConfigError("the environment variable ", options_.api_key_env,
                        " is not set; it must hold the key for ", options_.base_url,
                        " (api_key_env = \"\" sends none)");
    if (!std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < 0x7F; }))
      throw ConfigError("the environment variable ", options_.api_key_env,
                        " holds no key: there are blanks or other letters than ASCII in it");
    if (!address_.is_encrypted && !address_.is_on_this_machine())
      context_.log(Level::warning,
                   c10::str("the key of ", options_.api_key_env, " goes to ", address_.host,
                            " unencrypted; everybody on the way can read it: use https://"));
  }
  key_ = std::move(key);
  return *key_;
}

}  // namespace tsrec::language_model
