#include "pipeline/parts.hpp"

#include <algorithm>

namespace tsrec::host {
namespace {

std::optional<PartChoice> optional_part(const Document& document, Registry& registry,
                                        const char* kind) {
  const Node* table = document.root().find(kind);
  return table == nullptr ? std::nullopt
                          : std::optional(registry.choose(kind, *table, {}, document));
}

// What one part needs of another.
void check(const Parts& parts, const Document& document) {
  const Origin top{document.file().string(), 0, 0, ""};
  if (parts.quantizer && !parts.encoder)
    document.complain(top, "a [quantizer] needs an [encoder] that turns items into vectors");
  if (parts.quantizer && !parts.resolver)
    document.complain(top, "a [quantizer] needs a [resolver], such as use = \"random_last\"");
  if (parts.backbone && !parts.initializer)
    document.complain(top, "a [backbone] needs an [initializer] for the SID tokens");
  if (!parts.backbone && !parts.stages.empty())
    document.complain(top, "[[stage]] needs a [backbone] to train");
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
  if (const Node* source = document.root().find("source")) {
    parts.source = registry.choose("source", *source, {}, document);
  } else {
    document.complain({document.file().string(), 0, 0, ""}, "the experiment has no [source]");
  }
  parts.encoder = optional_part(document, registry, "encoder");
  parts.quantizer = optional_part(document, registry, "quantizer");
  parts.resolver = optional_part(document, registry, "resolver");
  parts.extractor = optional_part(document, registry, "extractor");
  parts.backbone = optional_part(document, registry, "backbone");
  parts.initializer = optional_part(document, registry, "initializer");
  parts.tasks = read_tasks(document, registry);
  parts.stages = read_stages(document, registry, parts.tasks);
  parts.recommenders =
      read_parts(document.root().find("recommender"), "recommender", document, registry);
  parts.wording = read_wording(document);
  parts.evaluate = read_evaluate_settings(document);
  const Node* evaluate = document.root().find("evaluate");
  parts.metrics = read_parts(evaluate != nullptr ? evaluate->find("metric") : nullptr, "metric",
                             document, registry);
  check(parts, document);
  return parts;
}

}  // namespace tsrec::host
