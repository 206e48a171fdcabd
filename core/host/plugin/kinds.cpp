#include "plugin/kinds.hpp"

#include <algorithm>
#include <sstream>

#include "config/document.hpp"
#include "plugin/guarded/guards.hpp"
#include "tsrec/parts/encoder.hpp"
#include "tsrec/parts/extractor.hpp"
#include "tsrec/parts/initializer.hpp"
#include "tsrec/parts/metric.hpp"
#include "tsrec/parts/observer.hpp"
#include "tsrec/parts/recommender.hpp"
#include "tsrec/parts/resolver.hpp"
#include "tsrec/parts/reward.hpp"
#include "tsrec/parts/source.hpp"
#include "tsrec/parts/task.hpp"
#include "tsrec/parts/tracker.hpp"
#include "tsrec/parts/trainer.hpp"
#include "tsrec/suggest.hpp"

namespace tsrec::host {
namespace {

enum class Count { one, list };

template <class Interface>
constexpr Kind kind(const char* does, Count count, const char* path, Kind::Guard* guard) {
  return {Interface::kKind, Interface::kContract, does, count == Count::list, path, guard};
}

}  // namespace

std::string Kind::table() const {
  return is_list ? c10::str("[[", path, "]]") : c10::str("[", path, "]");
}

std::vector<std::string> Kind::path_parts() const {
  std::vector<std::string> parts;
  std::istringstream in(path);
  for (std::string part; std::getline(in, part, '.');) parts.push_back(part);
  return parts;
}

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = {
      kind<Source>("reads a catalogue and its users' histories", Count::one, "source",
                   guarded_source),
      kind<Encoder>("turns item texts into vectors", Count::one, "encoder", guarded_encoder),
      kind<Quantizer>("turns vectors into short sequences of codes", Count::one, "quantizer",
                      guarded_quantizer),
      kind<Resolver>("decides what happens to items with the same codes", Count::one, "resolver",
                     guarded_resolver),
      kind<Extractor>("writes down what each SID token means", Count::one, "extractor",
                      guarded_extractor),
      kind<Backbone>("the language model and its tokenizer", Count::one, "backbone",
                     guarded_backbone),
      kind<Initializer>("gives the SID tokens their first embedding rows", Count::one,
                        "initializer", guarded_initializer),
      kind<Task>("turns data into training examples", Count::list, "task", guarded_task),
      kind<Trainer>("improves the model step by step", Count::list, "stage", guarded_trainer),
      kind<Reward>("scores the completions of reinforcement learning", Count::list, "stage.reward",
                   guarded_reward),
      kind<Observer>("looks at a training after every step, and may end it", Count::list,
                     "stage.observer", guarded_observer),
      kind<Recommender>("ranks items without a language model", Count::list, "recommender",
                        guarded_recommender),
      kind<Metric>("turns ranked lists into numbers", Count::list, "evaluate.metric",
                   guarded_metric),
      kind<Tracker>("shows the numbers of a run while they come", Count::list, "tracker",
                    guarded_tracker),
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
