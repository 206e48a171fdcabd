// One step of a tokenizer.json (a normalizer, a decoder ...): its fields, and how it is refused.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tsrec/error.hpp"

namespace tsrec::text {

class Step {
 public:
  // kind: what tokenizer.json calls it, such as "pre_tokenizer". The value must outlive the step.
  Step(const nlohmann::json& value, std::string kind, std::string file);

  const std::string& type() const { return type_; }
  bool has(const char* name) const;  // and it is not null
  bool flag(const char* name, bool otherwise) const;
  std::string text(const char* name) const;
  std::string text(const char* name, const std::string& otherwise) const;
  int64_t number(const char* name) const;
  const nlohmann::json& field(const char* name) const;
  std::vector<Step> steps(const char* name) const;  // of a Sequence

  [[noreturn]] void refuse(const std::string& why) const;
  [[noreturn]] void refuse_type(const std::string& supported) const;

 private:
  const nlohmann::json& value_;
  std::string kind_, file_, type_;
};

}  // namespace tsrec::text
