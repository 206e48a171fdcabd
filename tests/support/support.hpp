// What every test needs beside tsrec::testing: parts out of built plugins, the optional real data.
#pragma once

#include <gtest/gtest.h>

#include <fstream>

#include "tsrec/testing/ready.hpp"
#include "tsrec/testing/subject.hpp"
#include "tsrec/testing/toy.hpp"

namespace tsrec::test {

using kit::OptionTexts;
using kit::TempFolder;
using kit::TestContext;

// The part `name` of the built plugin file that offers it; options as text.
inline kit::Subject built_part(const std::string& kind, const std::string& name,
                               const OptionTexts& options = {}) {
  for (const auto& file :
       std::filesystem::directory_iterator(std::filesystem::path(TSREC_PLUGIN_FOLDER) / kind)) {
    const PluginInfo& plugin = kit::open_plugin(file.path());
    for (size_t i = 0; i < plugin.count; ++i) {
      if (plugin.parts[i].name == name) return kit::Subject(plugin.parts[i], options);
    }
  }
  throw Error("no built plugin offers ", kind, "/", name);
}

template <class Interface>
std::shared_ptr<Interface> make_part(const std::string& name, Context& context,
                                     const OptionTexts& options = {}) {
  return built_part(Interface::kKind, name, options).template make_as<Interface>(context);
}

// For an option that is a part: always this one.
inline AnySlot::Entry slot_entry(const std::string& name, std::shared_ptr<Part> part) {
  return {name, [part = std::move(part)](Context&) { return part; }};
}

// The folder of real data that some tests use; empty when absent.
inline std::filesystem::path shared_data() {
  const char* named = std::getenv("TSREC_TEST_DATA");
  const std::filesystem::path folder =
      named != nullptr ? std::filesystem::path(named)
                       : std::filesystem::path(TSREC_SOURCE_FOLDER) / "../shared/data";
  return std::filesystem::exists(folder) ? std::filesystem::canonical(folder)
                                         : std::filesystem::path();
}

// One row of tokens, as plain as it gets.
inline nn::PackedBatch one_row(const std::vector<int32_t>& ids) {
  nn::PackedBatch row;
  row.token_T = torch::tensor(std::vector<int64_t>(ids.begin(), ids.end()));
  row.position_T = torch::arange(static_cast<int64_t>(ids.size()));
  row.segments = {{0, static_cast<int32_t>(ids.size()), -1, 0}};
  return row;
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
// How often `part` stands in the text.
inline int64_t occurrences(const std::string& text, const std::string& part) {
  int64_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++count;
  return count;
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
