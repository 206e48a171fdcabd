#include "config/entries.hpp"

namespace tsrec::host {

std::vector<const Node*> entries_of(const Node* node, const std::string& what,
                                    const Document& document) {
  std::vector<const Node*> entries;
  if (node == nullptr) return entries;
  if (node->is_table()) return {node};
  if (!node->is_list()) {
    document.complain(node->origin, what + " must be a list of tables");
    return entries;
  }
  for (const Node& entry : std::get<Node::List>(node->value)) {
    entry.consumed = true;
    if (entry.is_table()) {
      entries.push_back(&entry);
    } else {
      document.complain(entry.origin,
                        "an entry of " + what + " must be a table such as { use = \"...\" }");
    }
  }
  return entries;
}

bool is_enabled(const Node& entry, const Document& document) {
  const Node* enabled = entry.find("enabled");
  const bool* value = enabled != nullptr ? std::get_if<bool>(&enabled->value) : nullptr;
  if (enabled != nullptr && value == nullptr)
    document.complain(enabled->origin, "enabled must be true or false");
  if (value == nullptr || *value) return true;
  entry.consume_all();
  return false;
}

}  // namespace tsrec::host
