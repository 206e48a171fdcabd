#include "pipeline/wording.hpp"

namespace tsrec::host {
namespace {

std::vector<PartChoice> writers_of(const Parts& parts) {
  std::vector<PartChoice> writers = parts.metrics;
  for (const TaskEntry& task : parts.tasks) writers.push_back(task.part);
  for (const StageEntry& stage : parts.stages) writers.push_back(stage.trainer);
  return writers;
}

// visit(part, form, placeholder, text) for all that the parts, and those that they own, bring
// along.
template <class Visit>
void for_each_text(const std::vector<PartChoice>& parts, const Visit& visit) {
  for (const PartChoice& part : parts) {
    if (part.info == nullptr) continue;  // nobody was named
    const Wordings brought = part.info->wordings == nullptr ? Wordings() : part.info->wordings();
    for (const auto& [form, texts] : brought) {
      for (const auto& [placeholder, text] : texts) visit(part, form, placeholder, text);
    }
    for (const OwnedPart& owned : part.parts) for_each_text({owned.choice}, visit);
  }
}

}  // namespace

PromptWording wording_of(const PromptWording& said, const std::vector<PartChoice>& parts) {
  PromptWording wording = said;
  for_each_text(parts,
                [&](const PartChoice&, const std::string& form, const std::string& placeholder,
                    const std::string& text) { wording.forms[form].emplace(placeholder, text); });
  return wording;
}

PromptWording wording_of(const Parts& parts) {
  return wording_of(parts.wording, writers_of(parts));
}

void check_wordings(const Parts& parts, const Document& document) {
  std::map<std::string, PartChoice> first;  // that brings a text along, by form and placeholder
  PromptWording wording = parts.wording;
  for_each_text(writers_of(parts), [&](const PartChoice& part, const std::string& form,
                                       const std::string& placeholder, const std::string& text) {
    const auto [known, is_new] = wording.forms[form].emplace(placeholder, text);
    const std::string name = form + "." + placeholder;
    if (is_new) first.emplace(name, part);
    const auto other = first.find(name);
    if (other == first.end() || known->second == text) return;
    document.complain(part.origin,
                      c10::str("the ", part.kind, " '", part.use, "' and the ", other->second.kind,
                               " '", other->second.use, "' (", other->second.origin.text(),
                               ") bring two texts along "
                               "for [prompt.",
                               form, "] ", placeholder, "; say there which it is"));
  });
}

}  // namespace tsrec::host
