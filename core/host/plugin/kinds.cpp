#include "plugin/kinds.hpp"

#include <algorithm>

#include "config/document.hpp"
#include "tsrec/parts/encoder.hpp"
#include "tsrec/parts/extractor.hpp"
#include "tsrec/parts/initializer.hpp"
#include "tsrec/parts/metric.hpp"
#include "tsrec/parts/recommender.hpp"
#include "tsrec/parts/resolver.hpp"
#include "tsrec/parts/reward.hpp"
#include "tsrec/parts/source.hpp"
#include "tsrec/parts/task.hpp"
#include "tsrec/parts/trainer.hpp"

namespace tsrec::host {
namespace {

template <class Interface>
constexpr Kind kind(const char* does, const char* table) {
  return {Interface::kKind, Interface::kContract, does, table};
}

}  // namespace

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = {
      kind<Source>("reads a catalogue and its users' histories", "[source]"),
      kind<Encoder>("turns item texts into vectors", "[encoder]"),
      kind<Quantizer>("turns vectors into short sequences of codes", "[quantizer]"),
      kind<Resolver>("decides what happens to items with the same codes", "[resolver]"),
      kind<Extractor>("writes down what each SID token means", "[extractor]"),
      kind<Backbone>("the language model and its tokenizer", "[backbone]"),
      kind<Initializer>("gives the SID tokens their first embedding rows", "[initializer]"),
      kind<Task>("turns data into training examples", "[[task]]"),
      kind<Trainer>("improves the model step by step", "[[stage]]"),
      kind<Reward>("scores the completions of reinforcement learning", "[[stage.reward]]"),
      kind<Recommender>("ranks items without a language model", "[[recommender]]"),
      kind<Metric>("turns ranked lists into numbers", "[[evaluate.metric]]"),
  };
  return all;
}

const std::vector<std::string>& kind_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Kind& kind : kinds()) all.emplace_back(kind.name);
    return all;
  }();
  return names;
}

const Kind* find_kind(std::string_view name) {
  const auto found = std::find_if(kinds().begin(), kinds().end(),
                                  [&](const Kind& kind) { return kind.name == name; });
  return found == kinds().end() ? nullptr : &*found;
}

const Kind& named_kind(const std::string& name) {
  const Kind* kind = find_kind(name);
  if (kind == nullptr)
    throw ConfigError("there is no kind of part '", name, "'", suggest(name, kind_names()));
  return *kind;
}

bool is_part_name(std::string_view name) {
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  return !name.empty() && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_'; });
}

}  // namespace tsrec::host
