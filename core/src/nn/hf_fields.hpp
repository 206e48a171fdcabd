// A table of config.json, and of the other small JSON files beside a checkpoint.
#pragma once

#include <nlohmann/json.hpp>

#include "tsrec/error.hpp"

namespace tsrec::nn {

// Null and a missing key mean the default.
class Fields {
 public:
  Fields(const nlohmann::json& table, const std::string& file) : table_(table), file_(file) {}

  bool has(const char* key) const {
    const auto found = table_.find(key);
    return found != table_.end() && !found->is_null();
  }
  int64_t whole(const char* key, int64_t otherwise) const {
    if (!has(key)) return otherwise;
    if (!table_.at(key).is_number_integer()) refuse(key, "expected a whole number");
    return table_.at(key).get<int64_t>();
  }
  double number(const char* key, double otherwise) const {
    if (!has(key)) return otherwise;
    if (!table_.at(key).is_number()) refuse(key, "expected a number");
    return table_.at(key).get<double>();
  }
  bool flag(const char* key, bool otherwise) const {
    if (!has(key)) return otherwise;
    if (!table_.at(key).is_boolean()) refuse(key, "expected true or false");
    return table_.at(key).get<bool>();
  }
  std::string text(const char* key, const std::string& otherwise) const {
    if (!has(key)) return otherwise;
    if (!table_.at(key).is_string()) refuse(key, "expected a text");
    return table_.at(key).get<std::string>();
  }
  const nlohmann::json& at(const char* key) const { return table_.at(key); }
  bool is_null(const char* key) const { return table_.contains(key) && !has(key); }
  const std::string& file() const { return file_; }

  [[noreturn]] void refuse(const char* key, const std::string& expected) const {
    throw DataError("'", file_, "' has ", key, " = ", has(key) ? table_.at(key).dump() : "null",
                    "; ", expected);
  }

 private:
  const nlohmann::json& table_;
  const std::string& file_;
};

}  // namespace tsrec::nn
