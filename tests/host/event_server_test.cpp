// A page and its events over HTTP, asked by clients that mean well and others.
#include "support/event_server.hpp"

#include <httplib.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "support/support.hpp"

namespace tsrec::test {
namespace {

using namespace std::chrono_literals;
using host::EventServer;

// "http://127.0.0.1:PORT/TOKEN/" in its parts.
struct Address {
  explicit Address(const std::string& url) {
    const size_t colon = url.rfind(':'), slash = url.find('/', colon);
    port = std::stoi(url.substr(colon + 1, slash - colon - 1));
    token = url.substr(slash + 1, url.size() - slash - 2);
  }
  httplib::Client client() const {
    httplib::Client client("127.0.0.1", port);
    client.set_read_timeout(10);
    return client;
  }
  int port = 0;
  std::string token;
};

// A browser that reads a stream of events in a thread of its own, until it is told to hang up.
class Stream {
 public:
  explicit Stream(const Address& address) : client_(address.client()) {
    thread_ = std::thread([this, path = "/" + address.token + "/events"] {
      const auto answer = client_.Get(
          path,
          [this](const httplib::Response& response) {
            status_ = response.status;
            type_ = response.get_header_value("Content-Type");
            return true;
          },
          [this](const char* bytes, size_t count) {
            const std::lock_guard lock(mutex_);
            text_.append(bytes, count);
            return !hangs_up_;
          });
      is_over_ = true;
    });
  }
  ~Stream() {
    hangs_up_ = true;
    client_.stop();
    thread_.join();
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  bool has(const std::string& part) const { return contains(text(), part); }
  int status() const { return status_; }
  const std::string& type() const { return type_; }
  bool is_over() const { return is_over_; }

 private:
  httplib::Client client_;
  mutable std::mutex mutex_;
  std::string text_, type_;
  std::atomic<int> status_{0};
  std::atomic<bool> hangs_up_{false}, is_over_{false};
  std::thread thread_;
};

template <class Condition>
bool soon(const Condition& condition) {
  for (int i = 0; i < 1000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

size_t own_threads() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& task : std::filesystem::directory_iterator("/proc/self/task"))
    ++count;
  return count;
}

TEST(EventServer, GivesItsPageToWhomNamesTheToken) {
  const std::string page = "<!DOCTYPE html><title>toy</title>" + std::string(200'000, 'x');
  const EventServer server(page);
  const Address address(server.url());
  EXPECT_TRUE(server.url().starts_with("http://127.0.0.1:"));
  EXPECT_EQ(address.token.size(), 32u);
  httplib::Client client = address.client();
  client.set_default_headers({{"Accept-Encoding", "gzip, deflate, br"}});
  const auto given = client.Get("/" + address.token + "/");
  ASSERT_TRUE(given);
  EXPECT_EQ(given->status, 200);
  EXPECT_EQ(given->body, page);
  EXPECT_EQ(given->get_header_value("Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(given->get_header_value("Cache-Control"), "no-store");
  EXPECT_TRUE(contains(given->get_header_value("Content-Security-Policy"), "connect-src 'self'"));
  const auto head = client.Head("/" + address.token + "/");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 200);
  EXPECT_TRUE(head->body.empty());
}

TEST(EventServer, RefusesEverybodyElse) {
  const EventServer server("secret page");
  const Address address(server.url()), other(EventServer("other page").url());
  EXPECT_NE(address.token, other.token);
  std::string nearly = address.token;
  nearly.back() = nearly.back() == '0' ? '1' : '0';
  const auto status = [&](const std::string& path) {
    const auto answer = address.client().Get(path);
    EXPECT_FALSE(answer && contains(answer->body, "secret"));
    return answer ? answer->status : 0;
  };
  for (const std::string& token :
       {std::string(), nearly, other.token, address.token.substr(1), address.token + "0",
        address.token.substr(0, 31), std::string("..")}) {
    EXPECT_EQ(status("/" + token), 403) << token;
    EXPECT_EQ(status("/" + token + "/"), 403) << token;
    EXPECT_EQ(status("/" + token + "/events"), 403) << token;
  }
  EXPECT_EQ(status("/?token=" + address.token), 403);
  EXPECT_EQ(status("//" + address.token + "/"), 403);
  for (const char* path : {"", "/page", "/events/", "/../etc/passwd", "//"})
    EXPECT_EQ(status("/" + address.token + path), 404) << path;
  const std::string page = "/" + address.token + "/";
  EXPECT_EQ(address.client().Post(page, "x=1", "text/plain")->status, 405);
  EXPECT_EQ(address.client().Put(page, "x", "text/plain")->status, 405);
  EXPECT_EQ(address.client().Delete(page)->status, 405);
  EXPECT_EQ(address.client().Options(page)->status, 405);
  EXPECT_EQ(address.client().Post("/", "x=1", "text/plain")->status, 403);
}

TEST(EventServer, SecretsAreTheSameOrNot) {
  EXPECT_TRUE(host::is_same_secret("", ""));
  EXPECT_TRUE(host::is_same_secret("abc", "abc"));
  EXPECT_FALSE(host::is_same_secret("abc", "abd"));
  EXPECT_FALSE(host::is_same_secret("abc", "ab"));
  EXPECT_FALSE(host::is_same_secret("abc", "abcd"));
}

TEST(EventServer, FramesEventsAsBrowsersReadThem) {
  EXPECT_EQ(host::event_text(7, "live", "{\"a\":1}"), "id: 7\nevent: live\ndata: {\"a\":1}\n\n");
  EventServer server("page");
  const Address address(server.url());
  server.publish("live", "{\"step\":1}");
  const Stream first(address);
  ASSERT_TRUE(soon([&] { return first.has("\n\n"); }));
  EXPECT_EQ(first.status(), 200);
  EXPECT_EQ(first.type(), "text/event-stream");
  EXPECT_EQ(first.text(), host::event_text(1, "live", "{\"step\":1}"));
  server.publish("document", "{\"runs\":[]}");
  server.publish("live", "{\"step\":1}");  // as it was
  server.publish("live", "{\"step\":2}");
  ASSERT_TRUE(soon([&] { return first.has("\"step\":2"); }));
  EXPECT_EQ(first.text(), host::event_text(1, "live", "{\"step\":1}") +
                              host::event_text(2, "document", "{\"runs\":[]}") +
                              host::event_text(3, "live", "{\"step\":2}"));
  // Whoever comes later gets what counts, oldest first.
  const Stream second(address);
  ASSERT_TRUE(soon([&] { return second.has("\"step\":2"); }));
  EXPECT_EQ(second.text(), host::event_text(2, "document", "{\"runs\":[]}") +
                               host::event_text(3, "live", "{\"step\":2}"));
}

TEST(EventServer, ASlowBrowserSkipsWhatIsOld) {
  EventServer server("page");
  for (int i = 0; i < 1000; ++i) server.publish("live", std::to_string(i));
  const Stream late{Address(server.url())};
  ASSERT_TRUE(soon([&] { return late.has("data: 999\n"); }));
  EXPECT_EQ(late.text(), host::event_text(1000, "live", "999"));
}

TEST(EventServer, HeartbeatsFindOutWhoHasGone) {
  EventServer server("page", {.heartbeat = 50ms});
  const Address address(server.url());
  {
    const Stream one(address), two(address);
    ASSERT_TRUE(soon([&] { return one.has(": still here\n\n: still here\n\n"); }));
    ASSERT_TRUE(soon([&] { return server.listeners() == 2; }));
  }
  EXPECT_TRUE(soon([&] { return server.listeners() == 0; }));
  server.publish("live", "1");  // to nobody
}

TEST(EventServer, TakesSoManyBrowsersAndNoMore) {
  EventServer server("page", {.most_listeners = 2, .heartbeat = 50ms});
  const Address address(server.url());
  {
    const Stream one(address), two(address);
    ASSERT_TRUE(soon([&] { return server.listeners() == 2; }));
    const Stream three(address);
    ASSERT_TRUE(soon([&] { return three.status() != 0; }));
    EXPECT_EQ(three.status(), 503);
    EXPECT_EQ(address.client().Get("/" + address.token + "/")->status, 200)
        << "the page has threads of its own";
  }
  ASSERT_TRUE(soon([&] { return server.listeners() == 0; }));
  server.publish("live", "1");
  const Stream again(address);
  EXPECT_TRUE(soon([&] { return again.has("data: 1\n"); }));
}

TEST(EventServer, EndsItsStreamsAndItsThreads) {
  const size_t before = own_threads();
  auto server = std::make_unique<EventServer>("page");
  const Address address(server->url());
  EXPECT_GT(own_threads(), before);
  {
    const Stream one(address), two(address);
    ASSERT_TRUE(soon([&] { return server->listeners() == 2; }));
    const auto began = std::chrono::steady_clock::now();
    server.reset();
    EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
    EXPECT_TRUE(soon([&] { return one.is_over() && two.is_over(); }));
  }
  EXPECT_EQ(own_threads(), before);
  EXPECT_FALSE(address.client().Get("/" + address.token + "/")) << "nobody listens there";
}

TEST(EventServer, APortThatIsTakenIsRefusedInASentence) {
  const EventServer server("page");
  const int port = Address(server.url()).port;
  try {
    const EventServer second("page", {.port = port});
    FAIL() << "two servers on one port";
  } catch (const ConfigError& error) {
    EXPECT_TRUE(contains(error.what(), c10::str("port ", port, " of 127.0.0.1 cannot be had")))
        << error.what();
  }
}

}  // namespace
}  // namespace tsrec::test
