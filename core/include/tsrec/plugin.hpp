// The boundary between host and plugin: parts, their facts, and the one entry of a shared object.
#pragma once

#include <map>
#include <string>
#include <type_traits>

#include "tsrec/context.hpp"
#include "tsrec/options.hpp"

namespace tsrec {

// Base of everything a plugin offers.
class TSREC_API Part {
 public:
  Part() = default;
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;
  virtual ~Part();
};

// Texts of prompts, by form and placeholder: what [prompt.<form>] of an experiment gives.
using Wordings = std::map<std::string, std::map<std::string, std::string>>;

struct PartInfo {
  const char* kind;
  int contract;  // of the kind's interface; the host refuses others
  const char* name;
  int revision;  // raised when equal options and inputs may give other results: it enters the stage
                 // key
  const char* summary;
  const char* needs;  // kinds of which an experiment with this part must have one, blanks between
  bool needs_item_answers;  // of a trainer: the tasks of its stage must answer with an item
  Wordings (*wordings)();   // that the part brings along; null: none
  void* (*new_settings)();
  void (*delete_settings)(void*);
  void (*declare)(void*, Options&);
  Part* (*make)(const void* settings, Context&);
  void (*destroy)(Part*);
};

struct PluginInfo {
  std::size_t size;
  const char* abi;
  const char* name;
  const char* version;
  const PartInfo* parts;
  std::size_t count;
};

// An interface says  static constexpr const char* kNeeds = "encoder resolver";  and a part that
// needs others says it again.
template <class Impl>
constexpr const char* needs_of() {
  if constexpr (requires { Impl::kNeeds; })
    return Impl::kNeeds;
  else
    return "";
}

// A trainer says  static constexpr bool kNeedsItemAnswers = true;  where it is so.
template <class Impl>
constexpr bool needs_item_answers_of() {
  if constexpr (requires { Impl::kNeedsItemAnswers; })
    return Impl::kNeedsItemAnswers;
  else
    return false;
}

// A part that writes prompts in a form of its own brings the texts of that form along, for frames
// with {input} and those with {instruction}; what an experiment says in [prompt.<form>] goes
// before:
//   static tsrec::Wordings wordings() {
//     return {{"recent", {{"instruction", "Predict the next item."},
//                         {"input", "recently {recent}"}, {"target", "{answer}\n"}}}};
//   }
template <class Impl>
constexpr auto wordings_of() -> Wordings (*)() {
  if constexpr (requires { &Impl::wordings; }) {
    static_assert(std::is_convertible_v<decltype(&Impl::wordings), Wordings (*)()>,
                  "a part brings texts along by  static tsrec::Wordings wordings()");
    return &Impl::wordings;
  } else {
    return nullptr;
  }
}

// A table entry. Settings: default-constructible, with `void declare(tsrec::Options&)`.
template <class Interface, class Impl, class Settings>
constexpr PartInfo part(const char* name, int revision, const char* summary) {
  static_assert(!std::is_abstract_v<Impl>,
                "the part lacks a method of its interface, or writes one with other arguments: "
                "say override behind each; the compiler names the missing ones below");
  static_assert(std::is_base_of_v<Part, Interface>,
                "the first argument is the interface of a part kind");
  static_assert(std::is_base_of_v<Interface, Impl>, "the part must implement its interface");
  static_assert(
      std::is_abstract_v<Impl> || std::is_constructible_v<Impl, const Settings&, Context&>,
      "a part is built from its settings and the context");
  return {
      Interface::kKind,
      Interface::kContract,
      name,
      revision,
      summary,
      needs_of<Impl>(),
      needs_item_answers_of<Impl>(),
      wordings_of<Impl>(),
      []() -> void* { return new Settings; },
      [](void* settings) { delete static_cast<Settings*>(settings); },
      [](void* settings, Options& options) { static_cast<Settings*>(settings)->declare(options); },
      [](const void* settings, Context& context) -> Part* {
        return static_cast<Interface*>(new Impl(*static_cast<const Settings*>(settings), context));
      },
      [](Part* made) { delete made; }};
}

// Settings of a part without options.
struct NoSettings {
  void declare(Options&) {}
};

}  // namespace tsrec

// TSREC_PLUGIN("tsrec.random_codes", "0.1.0", tsrec::part<...>(...), ...) at namespace scope, once
// per shared object. No static constructor is involved: the facts and the table are constants.
#define TSREC_PLUGIN(plugin_name, plugin_version, ...)                                         \
  extern "C" TSREC_API __attribute__((used)) constexpr char tsrec_facts[] =                    \
      TSREC_FACTS_MAGIC TSREC_FACTS;                                                           \
  namespace {                                                                                  \
  constexpr ::tsrec::PartInfo kTsrecParts[] = {__VA_ARGS__};                                   \
  constexpr ::tsrec::PluginInfo kTsrecPlugin = {sizeof(::tsrec::PluginInfo),                   \
                                                TSREC_FACTS,                                   \
                                                plugin_name,                                   \
                                                plugin_version,                                \
                                                kTsrecParts,                                   \
                                                sizeof(kTsrecParts) / sizeof(kTsrecParts[0])}; \
  }                                                                                            \
  extern "C" TSREC_API const ::tsrec::PluginInfo* tsrec_plugin() noexcept { return &kTsrecPlugin; }
