// One page and the events behind it, for browsers of this machine: HTTP on 127.0.0.1, read-only.
//
//   GET /TOKEN/        the page
//   GET /TOKEN/events  server-sent events, as they are published
//
// The token is drawn at random for each server. Whoever does not name it is refused (403), whatever
// is asked for; other users of the machine see the port, but not the token.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "support/api.hpp"

namespace tsrec::host {

struct EventServerSettings {
  int port = 0;             // 0: a free one
  int most_listeners = 32;  // streams at one time; one more is told to come again (503)
  std::chrono::milliseconds heartbeat{5000};  // of a silent stream: finds out who has gone
};

class TSREC_HOST_API EventServer {
 public:
  // It answers from now on, with the page in every case. Throws ConfigError where the port cannot
  // be had.
  explicit EventServer(std::string page, const EventServerSettings& settings = {});
  ~EventServer();  // ends all streams; none of its threads is left
  EventServer(const EventServer&) = delete;
  EventServer& operator=(const EventServer&) = delete;

  std::string url() const;  // "http://127.0.0.1:40123/TOKEN/"
  // data: one line. Of each name the last one counts: a browser that is slow, or comes later, is
  // sent that and none before it, so that nothing piles up. What was published last in its name is
  // not sent once more.
  void publish(const std::string& name, std::string data);
  int listeners() const;  // streams that are open

 private:
  class Http;
  std::unique_ptr<Http> http_;
};

// Takes as long whatever the two hold, so that nobody learns from the time how much was right.
TSREC_HOST_API bool is_same_secret(const std::string& one, const std::string& other);
// An event as it is sent: "id: 7\nevent: live\ndata: {}\n\n".
TSREC_HOST_API std::string event_text(int64_t id, const std::string& name, const std::string& data);

}  // namespace tsrec::host
