// One connection to a chat endpoint, over which one request after the other goes.
#pragma once

#include <mutex>

#include "address.hpp"
#include "retry.hpp"

namespace httplib {
class ClientImpl;
}

namespace tsrec::language_model {

struct HttpReply {
  int status = 0;  // 0: no answer came, and `failure` says why
  std::string body, retry_after, failure;
  bool is_final = false;  // of a failure: trying again cannot help
};

class Connection {
 public:
  // key: "" for none. ca_file: certificates of authorities in PEM instead of the system's; "" for
  // the system's, or those of the environment's SSL_CERT_FILE. timeout: from the start of a request
  // to the end of its answer.
  Connection(const Address& address, std::string key, const std::filesystem::path& ca_file,
             Seconds timeout);
  ~Connection();

  // A server's certificate must be signed by an authority and name the host. Redirections are not
  // followed: the key goes to this host alone. An answer of more than kLargestBody is cut off.
  HttpReply post(const std::string& body);
  static constexpr size_t kLargestBody = size_t{1} << 20;

  // From another thread, every now and then while post() is at work: ends it when `stopping` or
  // when its time is over, whether it connects, shakes hands, writes or reads.
  void watch(bool stopping);

 private:
  using Clock = std::chrono::steady_clock;

  void remember_socket(int socket);
  void begin_request();
  bool end_request();  // whether it came to an end in time

  Address address_;
  std::string key_;
  Seconds timeout_;
  std::unique_ptr<httplib::ClientImpl> client_;

  std::mutex mutex_;  // guards what follows
  int socket_ = -1;   // a second descriptor of the connection's, so that nobody else has its number
  std::optional<Clock::time_point> deadline_;  // while post() is at work
  bool is_late_ = false;
};

}  // namespace tsrec::language_model
