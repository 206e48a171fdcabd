#include "pipeline/item_answers.hpp"

#include "pipeline/run_context.hpp"
#include "tsrec/parts/task.hpp"

namespace tsrec::host {
namespace {

Origin origin_of_evaluated_task(const Document& document) {
  const Node* evaluate = document.root().find("evaluate");
  const Node* task = evaluate != nullptr ? evaluate->find("task") : nullptr;
  return task != nullptr ? task->origin : Origin{document.file().string(), 0, 0, ""};
}

}  // namespace

void complain_about_answers(const Parts& parts, const RunSettings& run, const Document& document) {
  if (!parts.backbone) return;
  RunContext context(run, "plan", /*curve=*/"");
  const auto check = [&](const TaskEntry& task, const std::string& who, const Origin& where) {
    if (task.part.make<Task>(context)->answers_with_item()) return;
    document.complain(where,
                      c10::str(who, " needs tasks that answer with an item, and '", task.part.name,
                               "' does not; choose others, such as next_item"));
  };
  for (const TaskEntry& task : parts.tasks) {
    if (task.part.name == parts.evaluate.task)
      check(task, "evaluation", origin_of_evaluated_task(document));
    for (const StageEntry& stage : parts.stages) {
      const PartChoice& trainer = stage.trainer;
      const bool is_asked =
          is_among(task.part.name, stage.tasks) || is_among(task.part.name, stage.validate_with);
      if (trainer.info->needs_item_answers && is_asked)
        check(task, c10::str("the stage '", trainer.name, "'"), trainer.origin);
    }
  }
}

}  // namespace tsrec::host
