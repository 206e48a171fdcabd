// A part out of a built plugin, made without a host, under options given as text.
#pragma once

#include "tsrec/plugin.hpp"

namespace tsrec::kit {

using OptionTexts = std::map<std::string, std::string>;  // lists: separated by commas or blanks

class TSREC_API Subject {
 public:
  // Throws ConfigError: an option that the part does not have.
  explicit Subject(const PartInfo& info, OptionTexts options = {});
  const PartInfo& info() const { return info_; }
  const OptionTexts& options() const { return options_; }
  // Texts of prompts that the part brings along.
  Wordings wordings() const { return info_.wordings == nullptr ? Wordings() : info_.wordings(); }
  // The same part, made by this function: a host puts its parts behind a guard.
  using Make = std::function<std::shared_ptr<Part>(const void* settings, Context& context)>;
  Subject made_by(Make make) const;
  // The same part with these for an option that is a part, or a list of them.
  Subject with(const std::string& key, std::vector<AnySlot::Entry> parts) const;
  // Required options that have no value here.
  std::vector<std::string> missing() const;
  // The options' values in fresh settings. Throws ConfigError: a value that the part refuses.
  std::shared_ptr<void> settings() const;
  // Options that are parts hold toys where nothing else is given, so far as their kind has one
  // (toy.hpp). Throws what settings() throws.
  std::shared_ptr<Part> make(Context& context) const;
  template <class Interface>
  std::shared_ptr<Interface> make_as(Context& context) const {
    return std::static_pointer_cast<Interface>(make(context));
  }

 private:
  PartInfo info_;
  OptionTexts options_;
  Make make_;
  std::map<std::string, std::vector<AnySlot::Entry>> parts_;
};

// Loads a plugin file and returns its table; it is never unloaded. Throws Error.
TSREC_API const PluginInfo& open_plugin(const std::filesystem::path& file);
// The part `kind`/`name` that the file offers. Throws Error when it offers none.
TSREC_API Subject part_of(const std::filesystem::path& file, std::string_view kind,
                          std::string_view name, OptionTexts options = {});

template <class Interface>
std::shared_ptr<Interface> make_part(const std::filesystem::path& file, std::string_view name,
                                     Context& context, OptionTexts options = {}) {
  return part_of(file, Interface::kKind, name, std::move(options))
      .template make_as<Interface>(context);
}

}  // namespace tsrec::kit
