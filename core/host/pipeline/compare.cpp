#include "pipeline/compare.hpp"

#include <algorithm>

#include "tsrec/suggest.hpp"

namespace tsrec::host {
namespace {

struct Axis {
  std::string name;
  std::vector<CompareCell> values;  // one label each
};

std::vector<Axis> read_axes(const Node& compare, const Document& document) {
  std::vector<Axis> axes;
  const Node* table = compare.find("axis");
  if (table == nullptr || !table->is_table()) {
    document.complain(compare.origin,
                      "[compare] needs an axis, such as [compare.axis.depth] with a line for each "
                      "value:  one = { \"initializer.depth\" = 1 }");
    return axes;
  }
  for (const auto& [name, labels] : std::get<Node::Table>(table->value)) {
    labels.consume_all();  // the cells', not the base experiment's
    Axis& axis = axes.emplace_back();
    axis.name = name;
    if (!labels.is_table() || std::get<Node::Table>(labels.value).empty()) {
      document.complain(labels.origin, "[compare.axis." + name + "] must name at least one value");
      continue;
    }
    for (const auto& [label, overrides] : std::get<Node::Table>(labels.value)) {
      CompareCell& cell = axis.values.emplace_back();
      cell.labels = {{name, label}};
      if (!overrides.is_table()) {
        document.complain(overrides.origin,
                          "'" + label + "' must be a table of what it changes; {} changes nothing");
        continue;
      }
      for (const auto& [path, value] : std::get<Node::Table>(overrides.value))
        cell.overrides.emplace_back(path, value);
    }
  }
  return axes;
}

std::vector<CompareCell> product(const std::vector<Axis>& axes) {
  std::vector<CompareCell> cells = {{}};
  for (const Axis& axis : axes) {
    std::vector<CompareCell> longer;
    for (const CompareCell& cell : cells) {
      for (const CompareCell& value : axis.values) {
        CompareCell joined = cell;
        joined.labels.push_back(value.labels.front());
        joined.overrides.insert(joined.overrides.end(), value.overrides.begin(),
                                value.overrides.end());
        longer.push_back(std::move(joined));
      }
    }
    cells = std::move(longer);
  }
  return cells;
}

// against = { depth = "one" } names a label of every axis.
std::string read_against(const Node& compare, const std::vector<CompareCell>& cells,
                         const Document& document) {
  const Node* against = compare.find("against");
  if (against == nullptr || cells.empty()) return "";
  against->consume_all();
  std::vector<std::string> known;
  for (const CompareCell& cell : cells) {
    known.push_back(cell.name());
    const bool is_it = std::all_of(cell.labels.begin(), cell.labels.end(), [&](const auto& label) {
      const Node* wanted = against->find(label.first);
      const auto* text = wanted != nullptr ? std::get_if<std::string>(&wanted->value) : nullptr;
      return text != nullptr && *text == label.second;
    });
    if (is_it) return cell.name();
  }
  document.complain(against->origin,
                    "against must give a label of every axis" + suggest(against->toml(), known));
  return "";
}

// stop_when = { number = "item.ndcg@10", margin = 0.002, min_seeds = 3, max_seeds = 10 }
std::optional<StopRule> read_stop_rule(const Node& compare, const CompareSettings& settings,
                                       const Document& document) {
  const Node* table = compare.find("stop_when");
  if (table == nullptr) return std::nullopt;
  if (!table->is_table()) {
    document.complain(
        table->origin,
        "stop_when is a table, such as { number = \"item.ndcg@10\", margin = 0.002 }");
    return std::nullopt;
  }
  StopRule rule;
  Options o;
  rule.declare(o);
  host::bind(o, *table, "[compare] stop_when", {}, document);
  if (settings.against.empty())
    document.complain(table->origin,
                      "stop_when looks at differences; name the cell that all are "
                      "compared with:  against = { AXIS = \"LABEL\" }");
  if (rule.max_seeds < rule.min_seeds)
    document.complain(table->origin, c10::str("stop_when: max_seeds = ", rule.max_seeds,
                                              " is less than min_seeds = ", rule.min_seeds));
  if (!settings.seeds.empty() && std::ssize(settings.seeds) < rule.max_seeds)
    document.complain(table->origin,
                      c10::str("stop_when may need max_seeds = ", rule.max_seeds,
                               " seeds, and seeds names ", settings.seeds.size(),
                               "; name more, or none: then they count up from [run] seed"));
  return rule;
}

}  // namespace

std::string CompareCell::name() const {
  std::string name;
  for (const auto& [axis, label] : labels) name += (name.empty() ? "" : "/") + label;
  return name;
}

void CompareSettings::declare(Options& o) {
  o.add("seeds", seeds).at_least(0).help("every cell runs with each of these seeds; none: [run]'s");
  o.add("numbers", numbers).help("columns of the table; none: HR and NDCG by item");
  o.add("curves", curves).help("numbers over steps that are tabled and written as CSV");
}

void StopRule::declare(Options& o) {
  o.add("number", number).required().help("the number whose differences decide, of every row");
  o.add("margin", margin)
      .range(0, 1e9)
      .help("a difference whose interval lies within it, either way, is decided to be none");
  o.add("min_seeds", min_seeds).range(2, 1000).help("seeds before the first look");
  o.add("max_seeds", max_seeds)
      .range(2, 1000)
      .help("seeds at the last look; the level of 5 % is spent over all of them");
}

std::vector<int64_t> seeds_of(const CompareSettings& settings, int64_t of_run) {
  std::vector<int64_t> seeds = settings.seeds;
  if (seeds.empty()) seeds = {of_run};
  if (!settings.stop_when) return seeds;
  while (std::ssize(seeds) < settings.stop_when->max_seeds) seeds.push_back(seeds.back() + 1);
  seeds.resize(static_cast<size_t>(settings.stop_when->max_seeds));
  return seeds;
}

std::string CellUnderSeed::name() const { return c10::str(cell->name(), ", seed ", seed); }

std::string CellUnderSeed::folder() const {
  return c10::str("cells/", cell->name(), "-seed", seed);
}

std::vector<CellUnderSeed> cells_under_seeds(const CompareSettings& settings, int64_t of_run) {
  std::vector<CellUnderSeed> all;
  for (const CompareCell& cell : settings.cells) {
    for (const int64_t seed : seeds_of(settings, of_run)) all.push_back({&cell, seed});
  }
  return all;
}

CompareSettings read_compare(const Document& document) {
  CompareSettings settings;
  const Node* compare = document.root().find("compare");
  if (compare == nullptr) return settings;
  Options o;
  settings.declare(o);
  host::bind(o, *compare, "[compare]", {"axis", "against", "stop_when"}, document);
  const std::vector<Axis> axes = read_axes(*compare, document);
  settings.cells = product(axes);
  settings.against = read_against(*compare, settings.cells, document);
  settings.stop_when = read_stop_rule(*compare, settings, document);
  return settings;
}

}  // namespace tsrec::host
