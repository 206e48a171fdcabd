// Options are declared once, next to the members they fill. The one declaration yields reading,
// type and range checks, `--set`, help, the README table, the resolved file and the canonical text
// of the stage key. The host declares its own keys in the same way.
#pragma once

#include <limits>
#include <optional>
#include <variant>

#include "tsrec/part_slot.hpp"

namespace tsrec {

// How often something happens in a run of steps: every so many of them ("every = 50"), or after
// every such share of all ("every = \"5%\"").
struct TSREC_API Every {
  double amount = 0;
  bool is_percent = false;
  static Every steps(int64_t count) { return {static_cast<double>(count), false}; }
  static Every percent(double share) { return {share, true}; }
  // Steps from one time to the next; a share is at least one step. 0: never.
  int64_t of(int64_t num_steps) const;
  // Reads "5%" or "50"; empty when it is neither.
  static std::optional<Every> parse(const std::string& text);
};

// One option. Every call returns *this.
class TSREC_API Field {
 public:
  using Target = std::variant<bool*, int64_t*, double*, std::string*, std::filesystem::path*,
                              std::vector<int64_t>*, std::vector<double>*,
                              std::vector<std::string>*, Every*, AnySlot*>;

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
  // For an option that came later, whose default is what was done before it: with that value it
  // does not stand in the key, and what was stored stays.
  Field& came_later();
  // Of a path: only where it is counts. Otherwise a path stands for the content of the file, or of
  // all files of the folder: other bytes in the same place run the stage again.
  Field& place();
  // Of a list of parts: each entry takes a `weight`, 1 without one.
  Field& weighted();
  // Of a string, in a trainer or a part that it owns: the name of a [[recommender]] of the
  // experiment, whose ranked lists it is then given (parts/earlier_stages.hpp). A name that the
  // experiment has not is refused.
  Field& names_recommender();
  // Of a string: with one of these values the part needs a kind of part as if its kNeeds named it.
  Field& needs(std::string_view kind, std::vector<std::string> values);
  Field& check(
      std::function<std::string()> complaint);  // "" when fine; runs after all fields are bound

  // Read by the host.
  struct Facts {
    std::string key, unit, help, default_text,
        needed_kind,  // with one of needing_values
        type;  // "bool", "int", "float", "string", "path", "int list", ... "encoder", "reward list"
    std::vector<std::string> names, old_names, needing_values;
    double low = -std::numeric_limits<double>::infinity(),
           high = std::numeric_limits<double>::infinity();
    bool is_required = false, in_key = true, is_later = false, is_place = false,
         is_weighted = false, is_recommender = false;
    std::vector<std::function<std::string()>> checks;
  };
  const Facts& facts() const { return facts_; }
  Target& target() { return target_; }
  const Target& target() const { return target_; }
  std::string value_text() const;  // the bound value as TOML text
  std::string complaint() const;   // "" or what is wrong with the bound value: range, names

 private:
  Facts facts_;
  Target target_;
};

// What an option can be: Field::Target points to one of these.
template <class T>
inline constexpr bool is_option =
    std::is_constructible_v<Field::Target, T*> && !std::is_base_of_v<AnySlot, T>;

class TSREC_API Options {
 public:
  // A key with a dot, "lora.rank", is an entry of a table among the options: lora = { rank = 8 }.
  // T: bool, int64_t, double, std::string, std::filesystem::path (relative to the file it was
  // written in; "~" and "${NAME}" of the environment are expanded), Every, vectors of int64_t,
  // double, std::string. `value` holds the default.
  template <class T>
  Field& add(std::string_view key, T& value) {
    static_assert(is_option<T>,
                  "an option is a bool, int64_t (no int), double (no float), std::string, "
                  "std::filesystem::path, tsrec::Every, or a std::vector of int64_t, double or "
                  "std::string; a PartSlot is given to add_part(), a PartList to add_parts()");
    if constexpr (is_option<T>) add_target(key, Field::Target(&value));
    return *fields_.back();
  }
  // An option that is a part of another kind, with options of its own, to any depth. It is bound,
  // described, completed and keyed like every option.
  template <class Interface>
  Field& add_part(std::string_view key, PartSlot<Interface>& slot) {
    return add_target(key, Field::Target(static_cast<AnySlot*>(&slot)));
  }
  template <class Interface>
  Field& add_parts(std::string_view key, PartList<Interface>& list) {
    return add_target(key, Field::Target(static_cast<AnySlot*>(&list)));
  }
  std::vector<std::unique_ptr<Field>>& fields() { return fields_; }
  const std::vector<std::unique_ptr<Field>>& fields() const { return fields_; }
  std::vector<std::string> keys() const;    // of the fields, in their order
  Field* find(std::string_view key) const;  // null: there is none of this key

 private:
  Field& add_target(std::string_view key, Field::Target target);
  std::vector<std::unique_ptr<Field>> fields_;
};

}  // namespace tsrec
