#include "text/step.hpp"

namespace tsrec::text {

using nlohmann::json;

Step::Step(const json& value, std::string kind, std::string file)
    : value_(value), kind_(std::move(kind)), file_(std::move(file)) {
  if (!value_.is_object()) throw DataError(file_, ": the ", kind_, " is no object");
  type_ = text("type", "");
}

bool Step::has(const char* name) const {
  const auto found = value_.find(name);
  return found != value_.end() && !found->is_null();
}

bool Step::flag(const char* name, bool otherwise) const {
  if (!has(name)) return otherwise;
  if (!value_.at(name).is_boolean()) refuse(c10::str(name, " must be true or false"));
  return value_.at(name).get<bool>();
}

std::string Step::text(const char* name) const {
  const json& value = field(name);
  if (!value.is_string()) refuse(c10::str(name, " must be a text"));
  return value.get<std::string>();
}

std::string Step::text(const char* name, const std::string& otherwise) const {
  return has(name) ? text(name) : otherwise;
}

int64_t Step::number(const char* name) const {
  const json& value = field(name);
  if (!value.is_number_integer()) refuse(c10::str(name, " must be a whole number"));
  return value.get<int64_t>();
}

const json& Step::field(const char* name) const {
  if (!has(name)) refuse(c10::str("it has no ", name));
  return value_.at(name);
}

std::vector<Step> Step::steps(const char* name) const {
  const json& list = field(name);
  if (!list.is_array()) refuse(c10::str(name, " must be a list"));
  std::vector<Step> steps;
  for (const json& value : list) steps.emplace_back(value, kind_, file_);
  return steps;
}

void Step::refuse(const std::string& why) const {
  throw DataError(file_, ": the ", kind_, " '", type_, "': ", why);
}

void Step::refuse_type(const std::string& supported) const {
  throw DataError(file_, ": the ", kind_, " '", type_, "' is not supported; supported are ",
                  supported);
}

}  // namespace tsrec::text
