#include "io/json.hpp"

#include "io/git_lfs.hpp"

namespace tsrec::io {
namespace {

// "[json.exception.parse_error.101] parse error at ..." without its number.
std::string_view reason_of(const nlohmann::json::exception& error) {
  std::string_view reason = error.what();
  reason.remove_prefix(std::min(reason.find("] ") + 2, reason.size()));
  return reason;
}

class Numbers final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Numbers(const std::string& name) : name_(name) {}
  std::vector<std::pair<std::string, int64_t>> entries;

  bool start_object(std::size_t) override { return depth_++ == 0 || refused(); }
  bool key(std::string& name) override {
    entries.emplace_back(std::move(name), 0);
    return true;
  }
  bool number_unsigned(uint64_t value) override { return number(static_cast<int64_t>(value)); }
  bool number_integer(int64_t value) override { return number(value); }
  bool end_object() override { return true; }
  bool null() override { return refused(); }
  bool boolean(bool) override { return refused(); }
  bool number_float(double, const std::string&) override { return refused(); }
  bool string(std::string&) override { return refused(); }
  bool binary(nlohmann::json::binary_t&) override { return refused(); }
  bool start_array(std::size_t) override { return refused(); }
  bool end_array() override { return refused(); }
  bool parse_error(std::size_t, const std::string&,
                   const nlohmann::json::exception& error) override {
    throw DataError(name_, ": malformed JSON: ", reason_of(error));
  }

 private:
  bool number(int64_t value) {
    if (entries.empty()) return refused();
    entries.back().second = value;
    return true;
  }
  [[noreturn]] bool refused() const {
    if (entries.empty()) throw DataError(name_, ": expected an object of names and whole numbers");
    throw DataError(name_, ": '", entries.back().first, "' has no whole number");
  }

  const std::string& name_;
  int depth_ = 0;
};

}  // namespace

nlohmann::json parse_json(std::string_view bytes, const std::string& name) {
  refuse_git_lfs_pointer(bytes, name);
  try {
    return nlohmann::json::parse(bytes);
  } catch (const nlohmann::json::exception& error) {
    throw DataError(name, ": malformed JSON: ", reason_of(error));
  }
}

std::vector<std::pair<std::string, int64_t>> parse_numbers(std::string_view bytes,
                                                           const std::string& name) {
  refuse_git_lfs_pointer(bytes, name);
  Numbers numbers(name);
  nlohmann::json::sax_parse(bytes, &numbers);
  return std::move(numbers.entries);
}

}  // namespace tsrec::io
