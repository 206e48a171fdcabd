#include "tsrec/options.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>

#include "tsrec/io/toml_text.hpp"

namespace tsrec {
namespace {

std::string toml_text(bool value) { return value ? "true" : "false"; }
std::string toml_text(int64_t value) { return std::to_string(value); }
std::string toml_text(const std::string& value) { return io::toml_string(value); }
std::string toml_text(const std::filesystem::path& value) {
  return io::toml_string(value.string());
}
std::string toml_text(const Every& value) {
  const std::string number = io::plain_number(value.amount);
  return value.is_percent ? io::toml_string(number + "%") : number;
}
std::string toml_text(double value) { return io::toml_float(value); }
std::string toml_text(const AnySlot& slot) {
  std::string names;
  for (const AnySlot::Entry& entry : slot.entries)
    names += (names.empty() ? "" : ", ") + io::toml_string(entry.name);
  return slot.is_list() ? "[" + names + "]" : names.empty() ? "none" : names;
}
template <class T>
std::string toml_text(const std::vector<T>& values) {
  std::string out = "[";
  for (size_t i = 0; i < values.size(); ++i) out += (i == 0 ? "" : ", ") + toml_text(values[i]);
  return out + "]";
}

std::string type_name(const Field::Target& target) {
  if (const auto* slot = std::get_if<AnySlot*>(&target))
    return std::string((*slot)->kind()) + ((*slot)->is_list() ? " list" : "");
  static constexpr std::array<const char*, 9> kNames = {
      "bool",     "int",        "float",       "string",        "path",
      "int list", "float list", "string list", "steps or share"};
  return kNames.at(target.index());
}

template <class Check>
std::string first_complaint(const Field::Target& target, const Check& check) {
  return std::visit(
      [&](auto* value) -> std::string {
        using T = std::remove_cvref_t<decltype(*value)>;
        if constexpr (std::is_same_v<T, std::vector<int64_t>> ||
                      std::is_same_v<T, std::vector<double>> ||
                      std::is_same_v<T, std::vector<std::string>>) {
          for (const auto& entry : *value) {
            if (const std::string complaint = check(entry); !complaint.empty()) return complaint;
          }
          return "";
        } else {
          return check(*value);
        }
      },
      target);
}

}  // namespace

int64_t Every::of(int64_t num_steps) const {
  if (amount == 0) return 0;
  if (!is_percent) return static_cast<int64_t>(amount);
  return std::max<int64_t>(
      1, static_cast<int64_t>(std::ceil(amount / 100 * static_cast<double>(num_steps))));
}

std::optional<Every> Every::parse(const std::string& text) {
  Every every;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, every.amount);
  every.is_percent = rest != end && *rest == '%';
  if (error != std::errc() || rest + (every.is_percent ? 1 : 0) != end || every.amount < 0 ||
      !std::isfinite(every.amount))
    return std::nullopt;
  const bool is_whole = every.amount == std::floor(every.amount);
  const bool fits = every.is_percent ? every.amount <= 100 : is_whole && every.amount < 1e15;
  return fits ? std::optional(every) : std::nullopt;
}

Field::Field(std::string key, Target target) : target_(target) {
  facts_.key = std::move(key);
  facts_.type = type_name(target_);
  facts_.default_text = value_text();
}

Field& Field::range(double low, double high) {
  facts_.low = low;
  facts_.high = high;
  return *this;
}
Field& Field::at_least(double low) {
  facts_.low = low;
  return *this;
}
Field& Field::one_of(std::vector<std::string> names) {
  facts_.names = std::move(names);
  return *this;
}
Field& Field::required() {
  facts_.is_required = true;
  return *this;
}
Field& Field::unit(std::string_view unit) {
  facts_.unit = unit;
  return *this;
}
Field& Field::help(std::string_view effect) {
  facts_.help = effect;
  return *this;
}
Field& Field::was(std::string_view old_name) {
  facts_.old_names.emplace_back(old_name);
  return *this;
}
Field& Field::not_in_key() {
  facts_.in_key = false;
  return *this;
}
Field& Field::came_later() {
  facts_.is_later = true;
  return *this;
}
Field& Field::place() {
  facts_.is_place = true;
  return *this;
}
Field& Field::weighted() {
  facts_.is_weighted = true;
  return *this;
}
Field& Field::names_recommender() {
  facts_.is_recommender = true;
  return *this;
}
Field& Field::needs(std::string_view kind, std::vector<std::string> values) {
  facts_.needed_kind = kind;
  facts_.needing_values = std::move(values);
  return *this;
}
Field& Field::check(std::function<std::string()> complaint) {
  facts_.checks.push_back(std::move(complaint));
  return *this;
}

std::string Field::value_text() const {
  return std::visit([](const auto* value) { return toml_text(*value); }, target_);
}

std::string Field::complaint() const {
  return first_complaint(target_, [this](const auto& value) -> std::string {
    using T = std::remove_cvref_t<decltype(value)>;
    if constexpr (std::is_same_v<T, int64_t> || std::is_same_v<T, double>) {
      const double number = static_cast<double>(value);
      if (!(number >= facts_.low && number <= facts_.high)) {
        const bool open_above = std::isinf(facts_.high);
        return "option '" + facts_.key + "' = " + toml_text(value) +
               (open_above ? " is below " + io::plain_number(facts_.low)
                           : " is outside [" + io::plain_number(facts_.low) + ", " +
                                 io::plain_number(facts_.high) + "]");
      }
    } else if constexpr (std::is_same_v<T, std::string>) {
      if (!facts_.names.empty() &&
          std::find(facts_.names.begin(), facts_.names.end(), value) == facts_.names.end()) {
        std::ostringstream known;
        for (size_t i = 0; i < facts_.names.size(); ++i)
          known << (i == 0 ? "" : ", ") << facts_.names[i];
        return "option '" + facts_.key + "' = " + toml_text(value) + " is none of: " + known.str();
      }
    }
    return "";
  });
}

Field& Options::add_target(std::string_view key, Field::Target target) {
  fields_.push_back(std::make_unique<Field>(std::string(key), target));
  return *fields_.back();
}

std::vector<std::string> Options::keys() const {
  std::vector<std::string> keys;
  for (const auto& field : fields_) keys.push_back(field->facts().key);
  return keys;
}

Field* Options::find(std::string_view key) const {
  const auto found = std::find_if(fields_.begin(), fields_.end(),
                                  [&](const auto& field) { return field->facts().key == key; });
  return found == fields_.end() ? nullptr : found->get();
}

}  // namespace tsrec
