#include "support/event_server.hpp"

#include <httplib.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "tsrec/error.hpp"

namespace tsrec::host {
namespace {

constexpr const char* kHost = "127.0.0.1";
// How soon a stream sees that its browser has hung up, or that the server ends.
constexpr std::chrono::milliseconds kLongestWait{1000};

std::string random_token() {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    throw Error("this machine gives no random numbers for the token of the page");
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string token;
  for (const unsigned char byte : bytes) {
    token += kDigits[byte >> 4];
    token += kDigits[byte & 15];
  }
  return token;
}

// What is published, for the streams to fetch.
class Board {
 public:
  using Text = std::shared_ptr<const std::string>;

  void put(const std::string& name, std::string data) {
    const std::lock_guard lock(mutex_);
    Entry& entry = of_name_[name];
    if (entry.id > 0 && entry.data == data) return;
    entry.id = ++last_;
    entry.text = std::make_shared<const std::string>(event_text(entry.id, name, data));
    entry.data = std::move(data);
    changed_.notify_all();
  }
  // What came behind `seen`, oldest first, which then counts as seen; waits for it for so long.
  std::vector<Text> after(int64_t& seen, std::chrono::milliseconds wait) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, wait, [&] { return last_ > seen || is_over_; });
    std::map<int64_t, Text> news;
    for (const auto& [name, entry] : of_name_) {
      if (entry.id > seen) news[entry.id] = entry.text;
    }
    seen = last_;
    std::vector<Text> texts;
    for (auto& [id, text] : news) texts.push_back(std::move(text));
    return texts;
  }
  void end() {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
    changed_.notify_all();
  }
  bool is_over() const {
    const std::lock_guard lock(mutex_);
    return is_over_;
  }

 private:
  struct Entry {
    int64_t id = 0;
    std::string data;
    Text text;
  };
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Entry> of_name_;
  int64_t last_ = 0;
  bool is_over_ = false;
};

// Counts itself while it lives.
class Place {
 public:
  explicit Place(std::atomic<int>& taken) : taken_(taken) { number_ = ++taken_; }
  ~Place() { --taken_; }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  int number() const { return number_; }

 private:
  std::atomic<int>& taken_;
  int number_;
};

bool send(httplib::DataSink& sink, const std::string& text) {
  return sink.write(text.data(), text.size());
}

}  // namespace

bool is_same_secret(const std::string& one, const std::string& other) {
  return one.size() == other.size() && CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

std::string event_text(int64_t id, const std::string& name, const std::string& data) {
  return c10::str("id: ", id, "\nevent: ", name, "\ndata: ", data, "\n\n");
}

class EventServer::Http {
 public:
  Http(std::string page, const EventServerSettings& settings)
      : settings_(settings),
        page_(std::make_shared<const std::string>(std::move(page))),
        token_(random_token()) {
    // A stream has a thread for itself; pages need a few beside them.
    constexpr int kForPages = 4;
    server_.new_task_queue = [count = settings.most_listeners + kForPages] {
      return new httplib::ThreadPool(static_cast<size_t>(count));
    };
    server_.set_keep_alive_max_count(1);  // an idle browser keeps no thread
    server_.set_keep_alive_timeout(1);
    server_.set_read_timeout(1);
    server_.set_write_timeout(5);
    // Without SO_REUSEPORT, which is the library's choice: with it a port that is taken is no
    // error.
    server_.set_socket_options([](int socket) {
      const int yes = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    });
    // All of it is here: nothing is routed, and no body of a request is read.
    server_.set_pre_routing_handler([this](const auto& request, auto& response) {
      answer(request, response);
      return httplib::Server::HandlerResponse::Handled;
    });
    port_ = settings.port == 0 ? server_.bind_to_any_port(kHost) : settings.port;
    if (settings.port != 0 && !server_.bind_to_port(kHost, settings.port)) port_ = -1;
    if (port_ <= 0)
      throw ConfigError("port ", settings.port, " of ", kHost,
                        " cannot be had: another program listens there, or this user may not; name "
                        "another, or leave it out for a free one");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~Http() {
    board_.end();
    server_.stop();
    thread_.join();
  }

  std::string url() const { return c10::str("http://", kHost, ":", port_, "/", token_, "/"); }
  Board& board() { return board_; }
  int listeners() const { return listeners_; }

 private:
  void answer(const httplib::Request& request, httplib::Response& response) {
    response.set_header("Cache-Control", "no-store");
    response.set_header("Referrer-Policy", "no-referrer");
    response.set_header("X-Content-Type-Options", "nosniff");
    const std::string path = request.path.starts_with('/') ? request.path.substr(1) : "";
    const size_t end = path.find('/');  // "TOKEN/REST"
    if (!is_same_secret(path.substr(0, end), token_))
      return refuse(response, 403, "open the whole address that tsrec watch printed");
    if (request.method != "GET" && request.method != "HEAD")
      return refuse(response, 405, "there is nothing to change here");
    const std::string rest = end == std::string::npos ? "" : path.substr(end);
    if (rest == "/") return give_page(response);
    if (rest == "/events") return give_events(response);
    refuse(response, 404, "there is / and /events behind the token");
  }

  static void refuse(httplib::Response& response, int status, const std::string& sentence) {
    response.status = status;
    response.set_content(sentence + "\n", "text/plain; charset=utf-8");
  }

  void give_page(httplib::Response& response) const {
    response.set_header("Content-Security-Policy",
                        "default-src 'none'; script-src 'unsafe-inline'; style-src "
                        "'unsafe-inline'; img-src data:; connect-src 'self'; base-uri 'none'; "
                        "form-action 'none'; frame-ancestors 'none'");
    response.set_content_provider(
        page_->size(), "text/html; charset=utf-8",
        [page = page_](size_t from, size_t size, httplib::DataSink& sink) {
          return sink.write(page->data() + from, size);
        });
  }

  void give_events(httplib::Response& response) {
    auto place = std::make_shared<Place>(listeners_);
    if (place->number() > settings_.most_listeners)
      return refuse(response, 503, "too many browsers are watching; close one");
    response.set_chunked_content_provider(
        "text/event-stream", [this, place, seen = int64_t{0}, silent_since = Clock::time_point()](
                                 size_t, httplib::DataSink& sink) mutable {
          const auto texts = board_.after(seen, std::min(settings_.heartbeat, kLongestWait));
          if (board_.is_over()) {
            sink.done();
            return true;
          }
          for (const auto& text : texts) {
            if (!send(sink, *text)) return false;
          }
          const auto now = Clock::now();
          if (texts.empty() && now - silent_since >= settings_.heartbeat) {
            if (!send(sink, ": still here\n\n")) return false;
            silent_since = now;
          }
          if (!texts.empty()) silent_since = now;
          return sink.is_writable();
        });
  }

  using Clock = std::chrono::steady_clock;
  const EventServerSettings settings_;
  const std::shared_ptr<const std::string> page_;
  const std::string token_;
  Board board_;
  std::atomic<int> listeners_{0};
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
};

EventServer::EventServer(std::string page, const EventServerSettings& settings)
    : http_(std::make_unique<Http>(std::move(page), settings)) {}
EventServer::~EventServer() = default;

std::string EventServer::url() const { return http_->url(); }
void EventServer::publish(const std::string& name, std::string data) {
  http_->board().put(name, std::move(data));
}
int EventServer::listeners() const { return http_->listeners(); }

}  // namespace tsrec::host
