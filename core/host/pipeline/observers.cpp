#include "pipeline/observers.hpp"

#include <utility>

namespace tsrec::host {

void Observers::number(std::string_view name, double value, int64_t) {
  if (!started_.empty()) heard_.push_back({std::string(name), value, {}});
}

std::string Observers::look(int64_t index, bool is_validated, Context& context) {
  const TrainingStep step{index, is_validated, std::exchange(heard_, {})};
  std::string reasons;
  for (const StartedObserver& observer : started_) {
    if (const std::optional<std::string> reason = observer.part->look(step, context))
      reasons +=
          (reasons.empty() ? "" : "; ") + c10::str("observer '", observer.name, "': ", *reason);
  }
  heard_.clear();  // what observers say is no number of the next step
  return reasons;
}

}  // namespace tsrec::host
