#include "pipeline/parts.hpp"

#include <algorithm>
#include <functional>
#include <map>

#include "pipeline/wording.hpp"
#include "tsrec/parts/quantizer.hpp"
#include "tsrec/suggest.hpp"

namespace tsrec::host {
namespace {

// Stages and recommenders stand in one table of results, each as a column of its name.
void check_columns(const Parts& parts, const Document& document) {
  std::map<std::string, const PartChoice*> columns;
  std::vector<const PartChoice*> all;
  for (const PartChoice& recommender : parts.recommenders) all.push_back(&recommender);
  for (const StageEntry& stage : parts.stages) all.push_back(&stage.trainer);
  for (const PartChoice* choice : all) {
    const auto [first, is_new] = columns.emplace(choice->name, choice);
    if (choice->name == kUntrained) {
      document.complain(choice->origin,
                        c10::str("'", kUntrained,
                                 "' is what the model before its first stage is called; give the "
                                 "entry another  name = \"...\""));
    } else if (!is_new) {
      document.complain(choice->origin, "'" + choice->name + "' is also the name of the " +
                                            first->second->kind + " in " +
                                            first->second->origin.text() +
                                            "; give one of them another  name = \"...\"");
    }
  }
}

// The parts of which an experiment has one at most, by kind.
std::map<std::string, const std::optional<PartChoice>*> single(const Parts& parts) {
  return {{"encoder", &parts.encoder},   {"quantizer", &parts.quantizer},
          {"resolver", &parts.resolver}, {"extractor", &parts.extractor},
          {"backbone", &parts.backbone}, {"initializer", &parts.initializer}};
}

// What parts, and those that they own, say that they need of other kinds.
void check_needs(const Parts& parts, const Document& document) {
  const auto by_kind = single(parts);
  const std::function<void(const PartChoice&)> check = [&](const PartChoice& choice) {
    if (choice.info == nullptr) return;  // it was not found, which is a complaint of its own
    for (const std::string& kind : choice.needed_kinds()) {
      const auto found = by_kind.find(kind);  // the source, and it alone, is always there
      if (found == by_kind.end() || *found->second) continue;
      if (kind == Quantizer::kKind && parts.has_sids()) continue;
      document.complain(choice.origin,
                        c10::str("the ", choice.kind, " '", choice.use, "' needs ",
                                 named_kind(kind).table(), " (", named_kind(kind).does,
                                 "); choose one of those that  tsrec list ", kind, "  names"));
    }
    for (const OwnedPart& owned : choice.parts) check(owned.choice);
  };
  for (const auto& [kind, choice] : by_kind) {
    if (*choice) check(**choice);
  }
  for (const StageEntry& stage : parts.stages) check(stage.trainer);
  for (const PartChoice& recommender : parts.recommenders) check(recommender);
}

// The recommenders that parts of a training name are entries of the experiment.
void check_recommenders(const Parts& parts, const Document& document) {
  std::vector<std::string> known;
  for (const PartChoice& recommender : parts.recommenders) known.push_back(recommender.name);
  for (const StageEntry& stage : parts.stages) {
    for (const std::string& name : stage.trainer.recommenders()) {
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      document.complain(
          stage.trainer.origin,
          c10::str("a part of the stage '", stage.trainer.name, "' asks the [[recommender]] '",
                   name, "', and the experiment has none of that name",
                   known.empty() ? "; add one, such as configs/recommender/floors.toml"
                                 : suggest(name, known)));
    }
  }
}

// What one part needs of another.
void check(const Parts& parts, const Document& document) {
  const Origin top{document.file().string(), 0, 0, ""};
  check_needs(parts, document);
  check_recommenders(parts, document);
  check_wordings(parts, document);
  if (parts.backbone && parts.wording.frame.empty())
    document.complain(top, "a [backbone] needs a [prompt]; include one of configs/prompt");
  if (parts.metrics.empty())
    document.complain(top, "[evaluate] names no metric; add  metric = [{ use = \"hr\" }]");
  const bool has_task =
      std::any_of(parts.tasks.begin(), parts.tasks.end(),
                  [&](const TaskEntry& t) { return t.part.name == parts.evaluate.task; });
  if (parts.backbone && !has_task)
    document.complain(
        top, "[evaluate] task = \"" + parts.evaluate.task + "\" is not among the [[task]] entries");
}

}  // namespace

Parts read_parts_of(const Document& document, Registry& registry) {
  Parts parts;
  if (const auto source = read_part("source", document, registry)) {
    parts.source = *source;
  } else {
    document.complain({document.file().string(), 0, 0, ""}, "the experiment has no [source]");
  }
  parts.encoder = read_part("encoder", document, registry);
  parts.quantizer = read_part("quantizer", document, registry);
  parts.resolver = read_part("resolver", document, registry);
  parts.extractor = read_part("extractor", document, registry);
  parts.backbone = read_part("backbone", document, registry);
  parts.initializer = read_part("initializer", document, registry);
  parts.tasks = read_tasks(document, registry);
  parts.stages = read_stages(document, registry, parts.tasks);
  parts.recommenders =
      read_parts(document.root().find("recommender"), "recommender", document, registry);
  parts.wording = read_wording(document);
  parts.audit = read_audit_settings(document);
  parts.evaluate = read_evaluate_settings(document);
  parts.report = read_report_settings(document);
  const Node* evaluate = document.root().find("evaluate");
  parts.metrics = read_parts(evaluate != nullptr ? evaluate->find("metric") : nullptr, "metric",
                             document, registry);
  parts.trackers = read_trackers(document, registry);
  check_columns(parts, document);
  check(parts, document);
  return parts;
}

}  // namespace tsrec::host
