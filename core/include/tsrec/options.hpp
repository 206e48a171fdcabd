// Options are declared once, next to the members they fill. The one declaration yields reading,
// type and range checks,
// `--set`, help, the README table, the resolved file and the canonical text of the stage key.
#pragma once

#include <limits>
#include <variant>

#include "tsrec/error.hpp"

namespace tsrec {

// One option. Every call returns *this.
class TSREC_API Field {
 public:
  using Target =
      std::variant<bool*, int64_t*, double*, std::string*, std::filesystem::path*,
                   std::vector<int64_t>*, std::vector<double>*, std::vector<std::string>*>;

  Field(std::string key, Target target);

  Field& range(double low,
               double high);  // closed; checked for numbers and each entry of number lists
  Field& at_least(double low);
  Field& one_of(std::vector<std::string> names);  // for strings and each entry of string lists
  Field& required();
  Field& unit(std::string_view unit);  // "seconds", "tokens"; shown in help
  Field& help(
      std::string_view effect);  // says the effect: "cap cluster sizes so that every code is used"
  Field& was(std::string_view old_name);  // accepted with a warning
  Field& not_in_key();  // changing it does not rerun the stage (it cannot change results)
  Field& check(
      std::function<std::string()> complaint);  // "" when fine; runs after all fields are bound

  // Read by the host.
  struct Facts {
    std::string key, unit, help, default_text,
        type;  // type: "bool", "int", "float", "string", "path", "int list", ...
    std::vector<std::string> names, old_names;
    double low = -std::numeric_limits<double>::infinity(),
           high = std::numeric_limits<double>::infinity();
    bool is_required = false, in_key = true;
    std::vector<std::function<std::string()>> checks;
  };
  const Facts& facts() const { return facts_; }
  Target& target() { return target_; }
  std::string value_text() const;  // the bound value as TOML text
  std::string complaint() const;   // "" or what is wrong with the bound value: range, names

 private:
  Facts facts_;
  Target target_;
};

class TSREC_API Options {
 public:
  // T: bool, int64_t, double, std::string, std::filesystem::path (relative to the file it was
  // written in; "~" and
  // "${NAME}" of the environment are expanded), vectors of int64_t, double, std::string. `value`
  // holds the default.
  template <class T>
  Field& add(std::string_view key, T& value) {
    return add_target(key, Field::Target(&value));
  }
  std::vector<std::unique_ptr<Field>>& fields() { return fields_; }

 private:
  Field& add_target(std::string_view key, Field::Target target);
  std::vector<std::unique_ptr<Field>> fields_;
};

}  // namespace tsrec
