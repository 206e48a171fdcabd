// What every test needs: a Context, parts out of built plugins, small files, the optional real
// data.
#pragma once

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <fstream>
#include <mutex>
#include <sstream>

#include "tsrec/plugin.hpp"

namespace tsrec::test {

class TestContext : public Context {
 public:
  explicit TestContext(uint64_t seed = 17) : seed_(seed) {}
  void log(Level, std::string_view message) override {
    const std::lock_guard lock(mutex_);
    messages.emplace_back(message);
  }
  void number(std::string_view name, double value, int64_t) override {
    const std::lock_guard lock(mutex_);
    numbers[std::string(name)].push_back(value);
  }
  void count(std::string_view name, int64_t amount) override {
    const std::lock_guard lock(mutex_);
    counters[std::string(name)] += amount;
  }
  void progress(std::string_view, int64_t, int64_t) override {}
  at::Generator generator(std::string_view purpose, int64_t index) override {
    const size_t mixed = std::hash<std::string>{}(c10::str(seed_, "/", purpose, "/", index));
    return at::detail::createCPUGenerator(mixed);
  }
  torch::Device device() const override { return torch::kCPU; }
  torch::ScalarType precision() const override { return torch::kFloat32; }
  bool stopping() const override { return stop; }

  std::vector<std::string> messages;
  std::map<std::string, std::vector<double>> numbers;
  std::map<std::string, int64_t> counters;
  bool stop = false;

 private:
  std::mutex mutex_;
  uint64_t seed_;
};

inline void set_from_text(Field& field, const std::string& text) {
  std::visit(
      [&](auto* value) {
        using T = std::remove_cvref_t<decltype(*value)>;
        std::istringstream in(text);
        if constexpr (std::is_same_v<T, bool>) {
          *value = text == "true";
        } else if constexpr (std::is_same_v<T, std::string> ||
                             std::is_same_v<T, std::filesystem::path>) {
          *value = text;
        } else if constexpr (std::is_arithmetic_v<T>) {
          in >> *value;
        } else {  // lists: blank-separated
          value->clear();
          for (typename T::value_type entry; in >> entry;) value->push_back(entry);
        }
      },
      field.target());
}

// The part `name` of the built plugin file that offers it; options as text. Plugins are never
// unloaded. Throws ConfigError for an unknown option or a value that the field refuses.
template <class Interface>
std::shared_ptr<Interface> make_part(const std::string& name, Context& context,
                                     const std::map<std::string, std::string>& options = {}) {
  const std::filesystem::path folder =
      std::filesystem::path(TSREC_PLUGIN_FOLDER) / Interface::kKind;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    void* handle = dlopen(file.path().c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) throw Error("cannot load ", file.path().string(), ": ", dlerror());
    using Entry = const PluginInfo* (*)() noexcept;
    const PluginInfo* plugin = reinterpret_cast<Entry>(dlsym(handle, "tsrec_plugin"))();
    for (size_t i = 0; i < plugin->count; ++i) {
      const PartInfo& info = plugin->parts[i];
      if (info.name != name) continue;
      std::shared_ptr<void> settings(info.new_settings(), info.delete_settings);
      Options declared;
      info.declare(settings.get(), declared);
      for (const auto& [key, text] : options) {
        auto& fields = declared.fields();
        const auto field = std::find_if(fields.begin(), fields.end(),
                                        [&](const auto& f) { return f->facts().key == key; });
        if (field == fields.end()) throw ConfigError(name, " has no option ", key);
        set_from_text(**field, text);
        if (const std::string complaint = (*field)->complaint(); !complaint.empty())
          throw ConfigError(complaint, "");
      }
      for (const auto& field : declared.fields()) {
        for (const auto& check : field->facts().checks) {
          if (const std::string complaint = check(); !complaint.empty())
            throw ConfigError(complaint, "");
        }
      }
      return std::shared_ptr<Interface>(static_cast<Interface*>(info.make(settings.get(), context)),
                                        [info](Interface* part) { info.destroy(part); });
    }
  }
  throw Error("no built plugin offers ", Interface::kKind, "/", name);
}

// A folder that is removed at the end of the test.
class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tsrec-test-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path write(const std::string& name, std::string_view bytes) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << bytes;
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

// The folder of real data that some tests use; empty when absent.
inline std::filesystem::path shared_data() {
  const char* named = std::getenv("TSREC_TEST_DATA");
  const std::filesystem::path folder =
      named != nullptr ? std::filesystem::path(named)
                       : std::filesystem::path(TSREC_SOURCE_FOLDER) / "../shared/data";
  return std::filesystem::exists(folder) ? std::filesystem::canonical(folder)
                                         : std::filesystem::path();
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// The sentence that `action` throws as E; fails the test when it throws nothing.
template <class E, class Action>
std::string message_of(Action action) {
  try {
    action();
  } catch (const E& error) {
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

}  // namespace tsrec::test
