#include "address.hpp"

#include <regex>

namespace tsrec::language_model {
namespace {

// scheme://host[:port][/path]; an IPv6 address stands in brackets.
const std::regex& url_pattern() {
  static const std::regex pattern(
      R"((https?)://(?:([A-Za-z0-9._-]+)|\[([0-9A-Fa-f:.]+)\])(:[0-9]{1,5})?((?:/[A-Za-z0-9._~%-]+)*)/*)",
      std::regex::optimize);
  return pattern;
}

}  // namespace

bool Address::is_on_this_machine() const {
  static const std::regex loopback(R"(localhost|::1|127(\.[0-9]{1,3}){3})");
  return std::regex_match(host, loopback);
}

std::string complaint_about_url(const std::string& base_url) {
  if (base_url.find('@') != std::string::npos)
    return "base_url must not hold a user or a password; the key comes from the environment "
           "variable that api_key_env names";
  std::smatch parts;
  if (!std::regex_match(base_url, parts, url_pattern()))
    return "base_url must look like \"https://api.deepseek.com\" or \"http://127.0.0.1:8000/v1\": "
           "what stands before /chat/completions, without ? and #";
  if (parts[4].matched && std::stoi(parts[4].str().substr(1)) > 65535)
    return "base_url has a port beyond 65535";
  if (parts[5].str().ends_with("/chat/completions"))
    return "base_url ends where /chat/completions begins; leave that out";
  return "";
}

Address address_of(const std::string& base_url) {
  std::smatch parts;
  if (!std::regex_match(base_url, parts, url_pattern()))
    throw ConfigError(complaint_about_url(base_url));
  const bool is_encrypted = parts[1] == "https";
  return {.is_encrypted = is_encrypted,
          .host = parts[2].matched ? parts[2].str() : parts[3].str(),
          .port = parts[4].matched ? std::stoi(parts[4].str().substr(1))
                  : is_encrypted   ? 443
                                   : 80,
          .path = parts[5].str()};
}

}  // namespace tsrec::language_model
