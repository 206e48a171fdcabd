#include "io/json.hpp"

namespace tsrec::io {

nlohmann::json parse_json(std::string_view bytes, const std::string& name) {
  try {
    return nlohmann::json::parse(bytes);
  } catch (const nlohmann::json::exception& error) {
    std::string_view reason =
        error.what();  // "[json.exception.parse_error.101] parse error at ..."
    reason.remove_prefix(std::min(reason.find("] ") + 2, reason.size()));
    throw DataError(name, ": malformed JSON: ", reason);
  }
}

}  // namespace tsrec::io
