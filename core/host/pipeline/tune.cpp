#include "pipeline/tune.hpp"

#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "config/names.hpp"
#include "pipeline/parts.hpp"
#include "tsrec/part_options.hpp"
#include "tsrec/random.hpp"
#include "tsrec/suggest.hpp"

namespace tsrec::host {
namespace {

constexpr int64_t kLargestGrid = 1000000;

// --- reading

// The type of the option, as it is declared; "" where a part that the entry owns has it.
std::string type_of(const std::string& option, const PartChoice& entry, const Options& host) {
  if (Field* field = host.find(option)) return field->facts().type;
  if (entry.info == nullptr) return "";
  PartOptions own(*entry.info);
  const Field* field = own.options.find(option);
  return field != nullptr ? field->facts().type : "";
}

bool is_range(const Node& node) {
  return node.is_table() && (node.find("low") != nullptr || node.find("high") != nullptr);
}

struct RangeKeys {
  void declare(Options& o) {
    o.add("low", low).required().help("the least value");
    o.add("high", high).required().help("the greatest value");
    o.add("log", is_log).help("draw evenly between the logarithms");
  }
  double low = 0, high = 0;
  bool is_log = false;
};

// One of [tune.space.NAME].
class SpaceReader {
 public:
  SpaceReader(const Document& document, const PartChoice& entry, const Options& host,
              TunedModel& model)
      : document_(document), entry_(entry), host_(host), model_(model) {}

  // A table that is no range holds options whose keys have a dot.
  void read(const Node& table, const std::string& before) {
    for (const auto& [key, node] : std::get<Node::Table>(table.value)) {
      node.consumed = true;
      const std::string path = before + key;
      if (node.is_table() && !is_range(node)) {
        read(node, path + ".");
      } else {
        read_option(path, node);
      }
    }
  }

 private:
  void read_option(const std::string& path, const Node& node) {
    TunedOption option{.path = path, .origin = node.origin};
    if (node.is_list()) {
      node.consume_all();
      option.values = std::get<Node::List>(node.value);
      if (option.values.empty()) complain(node, path, "has no values to choose from");
    } else if (node.is_table()) {
      read_range(node, option);
    } else {
      complain(
          node, path,
          "must be a list of values, or a range such as { low = 1e-4, high = 1e-2, log = true }");
      return;
    }
    for (const char* decided : {"use", "name", "enabled", "seed"}) {
      if (path == decided) complain(node, path, "says which model it is, and cannot be chosen");
    }
    model_.options.push_back(std::move(option));
  }

  void read_range(const Node& node, TunedOption& option) {
    RangeKeys range;
    Options keys;
    range.declare(keys);
    host::bind(keys, node, where(option.path), {}, document_);
    option.low = range.low;
    option.high = range.high;
    option.is_log = range.is_log;
    const auto is_integer = [&](const char* key) {
      const Node* end = node.find(key);
      return end != nullptr && std::holds_alternative<int64_t>(end->value);
    };
    option.is_whole =
        is_integer("low") && is_integer("high") && type_of(option.path, entry_, host_) != "float";
    if (!(range.low < range.high))
      complain(node, option.path, "is a range whose low does not lie below its high");
    else if (range.is_log && range.low <= 0)
      complain(node, option.path, "has log = true, and its low is not above 0");
    else if (!std::isfinite(range.low) || !std::isfinite(range.high))
      complain(node, option.path, "is a range without end");
  }

  std::string where(const std::string& path) const {
    return "[tune.space." + model_.name + "] " + path;
  }
  void complain(const Node& node, const std::string& path, const std::string& sentence) const {
    document_.complain(node.origin, where(path) + " " + sentence);
  }

  const Document& document_;
  const PartChoice& entry_;
  const Options& host_;
  TunedModel& model_;
};

// An entry that may be tuned, and what the host reads in its table.
struct Entry {
  const PartChoice* choice = nullptr;
  std::string list;
  std::shared_ptr<void> settings;
  Options host;
};

std::vector<Entry> entries_of(const Parts& parts) {
  std::vector<Entry> entries;
  for (const PartChoice& recommender : parts.recommenders)
    entries.push_back({&recommender, "recommender", nullptr, {}});
  for (const StageEntry& stage : parts.stages) {
    Entry& entry = entries.emplace_back();
    const auto settings = std::make_shared<StageEntry>();
    settings->declare(entry.host);
    entry.choice = &stage.trainer;
    entry.list = "stage";
    entry.settings = settings;
  }
  return entries;
}

// Without a list there is one entry, which is reached without a name.
std::string place_of(const Entry& entry, const Document& document) {
  const Node* list = document.root().find(entry.list);
  return list != nullptr && list->is_table() ? entry.list : entry.list + "." + entry.choice->name;
}

// In the order of the experiment: a model may go on from one that is tuned before it.
void read_space(const Node& tune, const Parts& parts, const Document& document,
                TuneSettings& settings) {
  const Node* space = tune.find("space");
  if (space == nullptr || !space->is_table() || std::get<Node::Table>(space->value).empty()) {
    document.complain(tune.origin,
                      "[tune] needs a space, such as [tune.space.sasrec] with a line for each "
                      "option:  learning_rate = [3e-4, 1e-3, 3e-3]");
    return;
  }
  const std::vector<Entry> entries = entries_of(parts);
  std::vector<std::string> known;
  for (const Entry& entry : entries) {
    known.push_back(entry.choice->name);
    const Node* table = space->find(entry.choice->name);
    if (table == nullptr) continue;
    TunedModel model{.name = entry.choice->name, .place = place_of(entry, document)};
    if (!table->is_table() || std::get<Node::Table>(table->value).empty()) {
      document.complain(table->origin,
                        "[tune.space." + model.name + "] must name at least one option");
      continue;
    }
    if (entry.choice->seed)
      document.complain(table->origin, "[tune.space." + model.name + "]: '" + model.name +
                                           "' has a seed of its own, which would be that of its "
                                           "trials and of the report; leave it out");
    SpaceReader(document, *entry.choice, entry.host, model).read(*table, "");
    settings.models.push_back(std::move(model));
  }
  for (const auto& [name, table] : std::get<Node::Table>(space->value)) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    table.consume_all();
    document.complain(table.origin, "[tune.space." + name +
                                        "]: no [[recommender]] and no [[stage]] is called so" +
                                        suggest(name, known));
  }
}

void check_grid(const TuneSettings& settings, const Document& document) {
  if (settings.search != "grid") return;
  for (const TunedModel& model : settings.models) {
    for (const TunedOption& option : model.options) {
      if (option.values.empty())
        document.complain(option.origin, "[tune.space." + model.name + "] " + option.path +
                                             " is a range, and a grid needs a list of values; or "
                                             "say  search = \"random\"");
    }
    if (combinations(model) > kLargestGrid)
      document.complain(model.options.front().origin,
                        c10::str("[tune.space.", model.name, "] has more than ", kLargestGrid,
                                 " combinations; say  search = \"random\""));
  }
}

// --- trials

// Even in [0, 1), 53 bits of it.
double uniform(at::Generator& generator) {
  const uint64_t bits = at::check_generator<at::CPUGeneratorImpl>(generator)->random64();
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

at::Generator draw_of(const TuneSettings& settings, const TunedModel& model,
                      const std::string& what) {
  return stream_of(c10::str("tune ", settings.seed, " ", model.name, " ", what));
}

// As few digits as tell a thousand values of the range apart: three significant ones where it spans
// decades, else those of a thousandth of its length.
double shortened(const TunedOption& option, double value) {
  std::array<char, 512> text;
  if (option.is_log && option.high >= 10 * option.low) {
    std::snprintf(text.data(), text.size(), "%.2e", value);
  } else {
    const double digits = std::ceil(std::log10(1000 / (option.high - option.low)));
    std::snprintf(text.data(), text.size(), "%.*f", static_cast<int>(std::max(0.0, digits)), value);
  }
  return std::strtod(text.data(), nullptr);
}

// Whole numbers are those of [low, high + 1), rounded down, so that both ends are as likely as the
// others.
Node drawn_number(const TunedOption& option, double at) {
  const double end = option.is_whole ? option.high + 1 : option.high;
  const double value =
      option.is_log ? std::exp(std::log(option.low) + at * (std::log(end) - std::log(option.low)))
                    : option.low + at * (end - option.low);
  Node node;
  if (option.is_whole) {
    node.value = static_cast<int64_t>(std::clamp(std::floor(value), option.low, option.high));
  } else {
    node.value = std::clamp(shortened(option, value), option.low, option.high);
  }
  node.origin = option.origin;
  return node;
}

Node drawn(const TunedOption& option, at::Generator generator) {
  const double at = uniform(generator);
  if (option.values.empty()) return drawn_number(option, at);
  const auto count = static_cast<double>(option.values.size());
  return option.values[static_cast<size_t>(at * count)];
}

std::string key_of(const TunedModel& model, const TunedOption& option) {
  return model.place + "." + option.path;
}

using Trials = std::vector<DocumentRequest::Overrides>;

void add_new(Trials& trials, DocumentRequest::Overrides trial) {
  if (std::find(trials.begin(), trials.end(), trial) == trials.end())
    trials.push_back(std::move(trial));
}

Trials random_trials(const TuneSettings& settings, const TunedModel& model) {
  Trials trials;
  for (int64_t index = 0; index < settings.trials; ++index) {
    DocumentRequest::Overrides trial;
    for (const TunedOption& option : model.options)
      trial.emplace_back(
          key_of(model, option),
          drawn(option, draw_of(settings, model, c10::str(index, " ", option.path))));
    add_new(trials, std::move(trial));
  }
  return trials;
}

// The combination of this number, the first option's values changing slowest.
DocumentRequest::Overrides combination(const TunedModel& model, int64_t number) {
  DocumentRequest::Overrides trial;
  for (auto option = model.options.rbegin(); option != model.options.rend(); ++option) {
    const auto count = static_cast<int64_t>(option->values.size());
    trial.insert(trial.begin(),
                 {key_of(model, *option), option->values[static_cast<size_t>(number % count)]});
    number /= count;
  }
  return trial;
}

Trials grid_trials(const TuneSettings& settings, const TunedModel& model) {
  std::vector<int64_t> order(static_cast<size_t>(combinations(model)));
  std::iota(order.begin(), order.end(), 0);
  at::Generator generator = draw_of(settings, model, "grid");
  for (size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1],
              order[static_cast<size_t>(uniform(generator) * static_cast<double>(i))]);
  Trials trials;
  for (const int64_t number : order) {
    if (static_cast<int64_t>(trials.size()) == settings.trials) break;
    add_new(trials, combination(model, number));
  }
  return trials;
}

// --- what was chosen, as a document

// The child of this key, made where it is not there.
Node& child_of(Node& table, const std::string& key, Node made) {
  for (auto& [name, child] : std::get<Node::Table>(table.value)) {
    if (name == key) return child;
  }
  return table.set(key, std::move(made));
}

Node& entry_named(Node& list, const std::string& name) {
  auto& entries = std::get<Node::List>(list.value);
  for (Node& entry : entries) {
    if (name_of(entry) == name) return entry;
  }
  Node entry, word;
  word.value = name;
  entry.value = Node::Table{};
  entry.set("name", word);
  return entries.emplace_back(std::move(entry));
}

// As `like` has it: where a list stands there, the next word of the path names one of its entries.
void set_at(Node& table, const Node* like, const std::string& path, const Node& value) {
  const size_t dot = path.find('.');
  const std::string key = path.substr(0, dot);
  if (dot == std::string::npos) {
    table.set(key, value);
    return;
  }
  const std::string rest = path.substr(dot + 1);
  const Node* below = like != nullptr ? like->find(key) : nullptr;
  Node made;
  if (below == nullptr || !is_named_list(*below)) {
    made.value = Node::Table{};
    set_at(child_of(table, key, std::move(made)), below, rest, value);
    return;
  }
  made.value = Node::List{};
  const std::string name = rest.substr(0, rest.find('.'));
  const Node* there = nullptr;
  for (const Node& entry : std::get<Node::List>(below->value)) {
    if (name_of(entry) == name) there = &entry;
  }
  set_at(entry_named(child_of(table, key, std::move(made)), name), there,
         rest.substr(name.size() + 1), value);
}

}  // namespace

void TuneSettings::declare(Options& o) {
  o.add("search", search)
      .one_of({"random", "grid"})
      .help(
          "random: every option drawn by itself; grid: every combination of their values, in an "
          "order that the seed decides");
  o.add("trials", trials).range(1, 100000).help("at most that many for every model");
  o.add("seconds", seconds)
      .at_least(0)
      .unit("seconds")
      .help(
          "no further trial of a model begins when training and validating those before took that "
          "long; 0: `trials` alone decides");
  o.add("watch", watch)
      .help(
          "the number on validation rows that chooses; auto: item.hr@10, or the nearest that the "
          "metrics have");
  o.add("rows", rows)
      .at_least(0)
      .unit("rows")
      .help("rank that many evenly spaced validation rows for each trial; 0: all");
  o.add("seed", seed).at_least(0).help("decides what is tried, and all random numbers of a trial");
  o.add("seeds", seeds)
      .at_least(0)
      .help(
          "the chosen values are reported with each of these; none: those of [compare], else "
          "[run]'s");
}

TuneSettings read_tune(const Document& document, const Parts& parts) {
  TuneSettings settings;
  const Node* tune = document.root().find("tune");
  if (tune == nullptr) return settings;
  Options o;
  settings.declare(o);
  host::bind(o, *tune, "[tune]", {"space"}, document);
  read_space(*tune, parts, document, settings);
  check_grid(settings, document);
  if (parts.evaluate.split == "valid")
    document.complain(tune->origin,
                      "[tune] chooses on validation rows, and [evaluate] split = \"valid\" would "
                      "report on the same; say  split = \"test\"");
  return settings;
}

int64_t combinations(const TunedModel& model) {
  int64_t product = 1;
  for (const TunedOption& option : model.options) {
    product *= static_cast<int64_t>(option.values.size());
    if (product > kLargestGrid) return kLargestGrid + 1;
  }
  return product;
}

Trials trials_of(const TuneSettings& settings, const TunedModel& model) {
  return settings.search == "grid" ? grid_trials(settings, model) : random_trials(settings, model);
}

std::string text_of(const DocumentRequest::Overrides& trial, const TunedModel& model) {
  std::string text;
  for (const auto& [path, value] : trial) {
    const std::string shown = value.is_table() ? "{ ... }" : value.toml();
    text += (text.empty() ? "" : ", ") + path.substr(model.place.size() + 1) + " = " + shown;
  }
  return text;
}

Node document_of(const DocumentRequest::Overrides& chosen, const Node& experiment) {
  Node document;
  document.value = Node::Table{};
  for (const auto& [path, value] : chosen) set_at(document, &experiment, path, value);
  return document;
}

std::string tuned_folder(int64_t seed) { return c10::str("reported/seed", seed); }

}  // namespace tsrec::host
