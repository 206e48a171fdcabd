#include "tsrec/testing/subject.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <cfenv>
#include <sstream>

#include "tsrec/part_options.hpp"
#include "tsrec/suggest.hpp"
#include "tsrec/testing/toy.hpp"

namespace tsrec::kit {
namespace {

void set_from_text(Field& field, const std::string& text) {
  bool is_read = true;
  std::visit(
      [&](auto* value) {
        using T = std::remove_cvref_t<decltype(*value)>;
        std::istringstream in(text);
        if constexpr (std::is_same_v<T, AnySlot>) {
          is_read = false;  // see Subject::with()
        } else if constexpr (std::is_same_v<T, bool>) {
          *value = text == "true";
          is_read = text == "true" || text == "false";
        } else if constexpr (std::is_same_v<T, std::string> ||
                             std::is_same_v<T, std::filesystem::path>) {
          *value = text;
        } else if constexpr (std::is_same_v<T, Every>) {
          const std::optional<Every> every = Every::parse(text);
          is_read = every.has_value();
          if (every) *value = *every;
        } else if constexpr (std::is_arithmetic_v<T>) {
          is_read = static_cast<bool>(in >> *value) && (in >> std::ws).eof();
        } else {
          std::string separated = text;
          std::replace(separated.begin(), separated.end(), ',', ' ');
          in.str(separated);
          value->clear();
          for (typename T::value_type entry; in >> entry;) value->push_back(entry);
          is_read = in.eof();
        }
      },
      field.target());
  if (!is_read) {
    throw ConfigError("option '", field.facts().key, "' is '", text, "'; expected ",
                      field.facts().type);
  }
}

}  // namespace

Subject::Subject(const PartInfo& info, OptionTexts options)
    : info_(info), options_(std::move(options)) {
  make_ = [info](const void* settings, Context& context) {
    return std::shared_ptr<Part>(info.make(settings, context), info.destroy);
  };
  if (options_.empty()) return;
  const PartOptions declared(info_);
  for (const auto& [key, text] : options_) {
    if (declared.options.find(key) == nullptr)
      throw ConfigError(info_.kind, " '", info_.name, "' has no option '", key, "'",
                        suggest(key, declared.options.keys()));
  }
}

Subject Subject::made_by(Make make) const {
  Subject subject = *this;
  subject.make_ = std::move(make);
  return subject;
}

std::vector<std::string> Subject::missing() const {
  const PartOptions declared(info_);
  std::vector<std::string> names;
  for (const auto& field : declared.options.fields()) {
    const std::string& key = field->facts().key;
    const auto* slot = std::get_if<AnySlot*>(&field->target());
    const bool is_given = slot != nullptr ? parts_.contains(key) || !toys((*slot)->kind()).empty()
                                          : options_.contains(key);
    if (field->facts().is_required && !is_given) names.push_back(key);
  }
  return names;
}

Subject Subject::with(const std::string& key, std::vector<AnySlot::Entry> parts) const {
  Subject subject = *this;
  subject.parts_[key] = std::move(parts);
  return subject;
}

std::shared_ptr<void> Subject::settings() const {
  const PartOptions declared(info_);
  for (const auto& [key, text] : options_) {
    Field& field = *declared.options.find(key);
    set_from_text(field, text);
    if (const std::string complaint = field.complaint(); !complaint.empty())
      throw ConfigError(complaint);
  }
  for (const auto& field : declared.options.fields()) {
    auto* slot = std::get_if<AnySlot*>(&field->target());
    if (slot == nullptr) continue;
    const auto given = parts_.find(field->facts().key);
    (*slot)->entries = given != parts_.end() ? given->second : toys((*slot)->kind());
  }
  for (const auto& field : declared.options.fields()) {
    for (const auto& check : field->facts().checks) {
      if (const std::string complaint = check(); !complaint.empty()) throw ConfigError(complaint);
    }
  }
  return declared.settings;
}

std::shared_ptr<Part> Subject::make(Context& context) const {
  return make_(settings().get(), context);
}

const PluginInfo& open_plugin(const std::filesystem::path& file) {
  std::fenv_t mode{};  // -ffast-math in a plugin would have the loading thread flush denormals
  std::fegetenv(&mode);
  void* handle = ::dlopen(std::filesystem::absolute(file).c_str(), RTLD_NOW | RTLD_LOCAL);
  std::fesetenv(&mode);
  if (handle == nullptr) throw Error("cannot load '", file.string(), "': ", ::dlerror());
  using Entry = const PluginInfo* (*)() noexcept;
  const auto entry = reinterpret_cast<Entry>(::dlsym(handle, "tsrec_plugin"));
  const PluginInfo* info = entry == nullptr ? nullptr : entry();
  if (info == nullptr) throw Error("'", file.string(), "' is no tsrec plugin");
  return *info;
}

Subject part_of(const std::filesystem::path& file, std::string_view kind, std::string_view name,
                OptionTexts options) {
  const PluginInfo& plugin = open_plugin(file);
  for (size_t i = 0; i < plugin.count; ++i) {
    if (kind == plugin.parts[i].kind && name == plugin.parts[i].name)
      return Subject(plugin.parts[i], std::move(options));
  }
  throw Error("'", file.string(), "' offers no ", kind, " '", name, "'");
}

}  // namespace tsrec::kit
