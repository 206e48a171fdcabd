// A chat endpoint on 127.0.0.1, as real as one can be: HTTP or HTTPS on a socket, behaving as a
// test says.
#pragma once

#include <httplib.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "tsrec/error.hpp"

namespace tsrec::test {

// A certificate that signs itself, for these names: "IP:127.0.0.1", "DNS:localhost".
class Certificate {
 public:
  explicit Certificate(const std::string& names)
      : key_(EVP_EC_gen("P-256"), EVP_PKEY_free), certificate_(X509_new(), X509_free) {
    X509* const x = certificate_.get();
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -60);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key_.get());
    X509_NAME* const subject = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("tsrec test"), -1, -1, 0);
    X509_set_issuer_name(x, subject);
    add_extension(NID_basic_constraints, "critical,CA:TRUE");
    add_extension(NID_subject_alt_name, names);
    if (X509_sign(x, key_.get(), EVP_sha256()) == 0) throw Error("cannot sign a certificate");
  }
  X509* certificate() const { return certificate_.get(); }
  EVP_PKEY* key() const { return key_.get(); }
  std::string pem() const {
    const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
    PEM_write_bio_X509(out.get(), certificate_.get());
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(out.get(), &bytes);
    return {bytes, static_cast<size_t>(size)};
  }

 private:
  void add_extension(int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate_.get(), certificate_.get(), nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
        X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()), X509_EXTENSION_free);
    if (!extension || X509_add_ext(certificate_.get(), extension.get(), -1) == 0)
      throw Error("cannot write ", value, " into a certificate");
  }
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
  std::unique_ptr<X509, decltype(&X509_free)> certificate_;
};

class ChatServer {
 public:
  // number: of the request, from 0.
  using Handler = std::function<void(const httplib::Request&, httplib::Response&, size_t number)>;

  explicit ChatServer(Handler handler = describe, const Certificate* certificate = nullptr)
      : handler_(std::move(handler)), is_encrypted_(certificate != nullptr) {
    if (is_encrypted_) {
      server_ =
          std::make_unique<httplib::SSLServer>(certificate->certificate(), certificate->key());
    } else {
      server_ = std::make_unique<httplib::Server>();
    }
    // httplib has the process ignore broken pipes; a part must bear them as a host leaves them.
    std::signal(SIGPIPE, SIG_DFL);
    server_->set_keep_alive_timeout(1);
    server_->Post("/v1/chat/completions",
                  [this](const httplib::Request& request, httplib::Response& response) {
                    const size_t number = arrived(request.body);
                    handler_(request, response, number);
                    --under_way_;
                  });
    port_ = server_->bind_to_any_port("127.0.0.1");
    if (port_ <= 0) throw Error("no free port on 127.0.0.1");
    thread_ = std::thread([this] {
      sigset_t signals;
      ::sigemptyset(&signals);
      ::sigaddset(&signals, SIGPIPE);
      ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // its threads write to whom has hung up
      server_->listen_after_bind();
    });
    while (!server_->is_running()) std::this_thread::yield();
  }
  ~ChatServer() {
    server_->stop();
    thread_.join();
  }
  ChatServer(const ChatServer&) = delete;
  ChatServer& operator=(const ChatServer&) = delete;

  std::string url() const {
    return c10::str(is_encrypted_ ? "https" : "http", "://127.0.0.1:", port_, "/v1");
  }
  int port() const { return port_; }
  // What was asked so far, and when.
  std::vector<std::string> bodies() const {
    const std::lock_guard lock(mutex_);
    return bodies_;
  }
  std::vector<std::chrono::steady_clock::time_point> times() const {
    const std::lock_guard lock(mutex_);
    return times_;
  }
  size_t requests() const { return bodies().size(); }
  size_t most_at_once() const {
    const std::lock_guard lock(mutex_);
    return most_at_once_;
  }

  // --- what a handler may answer
  static void reply(httplib::Response& response, const std::string& content) {
    const nlohmann::json body = {
        {"choices", {{{"index", 0}, {"message", {{"role", "assistant"}, {"content", content}}}}}},
        {"usage", {{"prompt_tokens", 100}, {"completion_tokens", 7}, {"total_tokens", 107}}}};
    response.set_content(body.dump(), "application/json");
  }
  static std::string note(const std::string& description,
                          const std::vector<std::string>& keywords) {
    return nlohmann::json{{"description", description}, {"keywords", keywords}}.dump();
  }
  // Describes a token by the first title of its items.
  static void describe(const httplib::Request& request, httplib::Response& response, size_t) {
    const std::string question = question_of(request.body);
    const size_t begin = question.find("\nTitle: ");
    const std::string title =
        begin == std::string::npos
            ? "no title"
            : question.substr(begin + 8, question.find('\n', begin + 8) - begin - 8);
    reply(response, note("Things like " + title + ".", {title, "thing"}));
  }
  // The last message of a request.
  static std::string question_of(const std::string& body) {
    return nlohmann::json::parse(body)["messages"].back()["content"].get<std::string>();
  }

 private:
  size_t arrived(const std::string& body) {
    const std::lock_guard lock(mutex_);
    most_at_once_ = std::max(most_at_once_, ++under_way_);
    bodies_.push_back(body);
    times_.push_back(std::chrono::steady_clock::now());
    return bodies_.size() - 1;
  }

  Handler handler_;
  bool is_encrypted_;
  std::unique_ptr<httplib::Server> server_;
  int port_ = 0;
  std::atomic<size_t> under_way_{0};
  mutable std::mutex mutex_;
  std::vector<std::string> bodies_;
  std::vector<std::chrono::steady_clock::time_point> times_;
  size_t most_at_once_ = 0;
  std::thread thread_;
};

}  // namespace tsrec::test
