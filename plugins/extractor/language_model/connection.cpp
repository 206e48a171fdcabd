#include "connection.hpp"

#include <fcntl.h>
#include <httplib.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tsrec::language_model {
namespace {

std::unique_ptr<httplib::ClientImpl> client_for(const Address& address) {
  if (address.is_encrypted) return std::make_unique<httplib::SSLClient>(address.host, address.port);
  return std::make_unique<httplib::ClientImpl>(address.host, address.port);
}

std::string in_words(Seconds time) {
  return c10::str(time.count(), time.count() == 1 ? " second" : " seconds");
}

bool is_final(httplib::Error error) {
  return error == httplib::Error::SSLServerVerification || error == httplib::Error::SSLLoadingCerts;
}

std::string in_words(httplib::Error error, const std::string& host) {
  switch (error) {
    case httplib::Error::Connection:
      return "no connection to " + host;
    case httplib::Error::Read:
      return "the connection broke off before the end of the answer";
    case httplib::Error::Write:
      return "the connection broke off before the end of the request";
    case httplib::Error::SSLConnection:
      return "no encrypted connection to " + host;
    case httplib::Error::SSLLoadingCerts:
      return "the certificates of authorities cannot be read; name a file of them by  ca_file";
    case httplib::Error::SSLServerVerification:
      return "the certificate is not " + host +
             "'s, or no authority that is known here has signed it; nothing was sent. Name the "
             "authority's certificate by  ca_file  where it is one of your own";
    default:
      return "the request failed (" + httplib::to_string(error) + ")";
  }
}

}  // namespace

Connection::Connection(const Address& address, std::string key,
                       const std::filesystem::path& ca_file, Seconds timeout)
    : address_(address), key_(std::move(key)), timeout_(timeout), client_(client_for(address)) {
  client_->set_keep_alive(true);
  client_->set_follow_location(false);
  client_->set_connection_timeout(timeout);
  client_->set_read_timeout(timeout);
  client_->set_write_timeout(timeout);
  client_->set_socket_options([this](int socket) { remember_socket(socket); });
  if (!ca_file.empty()) client_->set_ca_cert_path(ca_file.string());
}

Connection::~Connection() {
  client_.reset();
  if (socket_ >= 0) ::close(socket_);
}

HttpReply Connection::post(const std::string& body) {
  HttpReply reply;
  bool is_too_large = false;
  httplib::Request request;
  request.method = "POST";
  request.path = address_.path + "/chat/completions";
  request.headers = {{"Content-Type", "application/json"},
                     {"Accept", "application/json"},
                     {"Accept-Encoding", "identity"},
                     {"User-Agent", "tsrec"}};
  if (!key_.empty()) request.headers.emplace("Authorization", "Bearer " + key_);
  request.body = body;
  request.content_receiver = [&](const char* bytes, size_t size, uint64_t, uint64_t) {
    is_too_large = reply.body.size() + size > kLargestBody;
    if (!is_too_large) reply.body.append(bytes, size);
    return !is_too_large;
  };

  begin_request();
  const httplib::Result result = client_->send(request);
  const bool is_in_time = end_request();

  if (is_too_large) {
    reply.failure =
        c10::str("the answer is larger than ", kLargestBody >> 20,
                 " MiB and was cut off there: this is no chat endpoint, or max_tokens is too high");
    reply.is_final = true;
  } else if (result) {
    reply.status = result->status;
    reply.retry_after = result->get_header_value("Retry-After");
    return reply;
  } else if (!is_in_time) {
    reply.failure = "no answer within " + in_words(timeout_);
  } else {
    reply.failure = in_words(result.error(), address_.host);
    reply.is_final = is_final(result.error());
  }
  reply.body.clear();
  return reply;
}

// Called for every attempt to connect, before it: a host may have several addresses.
void Connection::remember_socket(int socket) {
  const std::lock_guard lock(mutex_);
  if (socket_ >= 0) ::close(socket_);
  socket_ = ::fcntl(socket, F_DUPFD_CLOEXEC, 0);
}

void Connection::begin_request() {
  const std::lock_guard lock(mutex_);
  deadline_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(timeout_);
  is_late_ = false;
}

bool Connection::end_request() {
  const std::lock_guard lock(mutex_);
  const bool is_in_time = !is_late_ && Clock::now() < *deadline_;
  deadline_.reset();
  return is_in_time;
}

void Connection::watch(bool stopping) {
  const std::lock_guard lock(mutex_);
  if (!deadline_) return;
  is_late_ = is_late_ || Clock::now() >= *deadline_;
  if ((stopping || is_late_) && socket_ >= 0) ::shutdown(socket_, SHUT_RDWR);
}

}  // namespace tsrec::language_model
