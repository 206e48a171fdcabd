#include "pipeline/settings.hpp"

#include <algorithm>
#include <thread>

#include "support/cuda.hpp"

namespace tsrec::host {
namespace {

// Machines without fast bfloat16 emulate it hundreds of times slower.
torch::ScalarType best_precision(torch::Device device) {
  const bool has_bf16 = __builtin_cpu_supports("avx512bf16") != 0;
  return device.is_cuda() || has_bf16 ? torch::kBFloat16 : torch::kFloat32;
}

const Node& table_or_empty(const Document& document, const char* name) {
  static const Node empty = [] {
    Node node;
    node.value = Node::Table{};
    return node;
  }();
  const Node* found = document.root().find(name);
  return found != nullptr && found->is_table() ? *found : empty;
}

// Entries of a list of tables; a single table counts as a list of one.
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
  if (enabled == nullptr) return true;
  if (const bool* value = std::get_if<bool>(&enabled->value)) return *value;
  document.complain(enabled->origin, "enabled must be true or false");
  return true;
}

// The host's own options of a table that a part shares.
void bind_host_options(Options& options, const Node& entry, const std::string& what,
                       const Document& document) {
  std::vector<std::string> others;
  std::vector<std::string> own;
  for (const auto& field : options.fields()) own.push_back(field->facts().key);
  for (const auto& [key, child] : std::get<Node::Table>(entry.value)) {
    if (std::find(own.begin(), own.end(), key) == own.end()) others.push_back(key);
  }
  host::bind(options, entry, what, others, document);
}

}  // namespace

void RunSettings::declare(Options& o) {
  o.add("name", name).help("name of the run's folder");
  o.add("seed", seed).at_least(0).help("decides all random numbers");
  o.add("device", device)
      .one_of({"auto", "cpu", "cuda"})
      .help("auto: a CUDA device if there is one");
  o.add("precision", precision)
      .one_of({"auto", "float32", "bfloat16"})
      .help("of weights and activations; auto: bfloat16 where the processor is fast at it");
  o.add("threads", threads).range(0, 4096).help("0: all cores");
  o.add("time_budget_minutes", time_budget_minutes)
      .at_least(0)
      .help("a stage that takes longer stops tidily; 0: none");
}

RunSettings read_run_settings(const Document& document) {
  RunSettings run;
  Options o;
  run.declare(o);
  const Node& table = table_or_empty(document, "run");
  host::bind(o, table, "[run]", {}, document);
  run.name = document.name();
  if (run.threads == 0) run.threads = std::max(1U, std::thread::hardware_concurrency());
  const bool wants_cuda = run.device == "cuda" || (run.device == "auto" && has_cuda());
  if (wants_cuda && !has_cuda()) {
    document.complain(table.find("device")->origin,
                      "[run] device = \"cuda\", but " + why_no_cuda() +
                          "; device = \"auto\" takes the processor where no device is");
  }
  run.torch_device = wants_cuda ? torch::Device(torch::kCUDA, 0) : torch::Device(torch::kCPU);
  run.torch_precision = run.precision == "float32"    ? torch::kFloat32
                        : run.precision == "bfloat16" ? torch::kBFloat16
                                                      : best_precision(run.torch_device);
  return run;
}

std::vector<std::string> EvaluateSettings::key_lines() const {
  return {"evaluate task = " + task,
          "evaluate split = " + split,
          "evaluate scoring = " + scoring,
          "evaluate search = " + search,
          c10::str("evaluate beams = ", beams),
          c10::str("evaluate limit = ", limit),
          c10::str("evaluate score_suffix = ", score_suffix)};
}

const std::vector<std::string>& evaluate_keys() {
  static const std::vector<std::string> keys = {"metric"};
  return keys;
}

void EvaluateSettings::declare(Options& o) {
  o.add("task", task).help("the task whose prompts are decoded");
  o.add("split", split).one_of({"valid", "test"}).help("rows that are ranked");
  o.add("beams", beams).range(1, 100000).help("width of the beam search; exact: places of a list");
  o.add("scoring", scoring)
      .one_of({"full", "legal"})
      .help("softmax over the whole vocabulary, or over the legal children");
  o.add("search", search)
      .one_of({"beam", "exact"})
      .help(
          "beam: the best partial SIDs of every level; exact: the `beams` best SIDs of the whole "
          "catalogue, proven");
  o.add("score_suffix", score_suffix).help("full: add the forced tokens behind a SID to its score");
  o.add("limit", limit).at_least(0).unit("rows").help("rank that many evenly spaced rows; 0: all");
  o.add("bootstrap", bootstrap).range(0, 1000000).help("resamples of the 95 % intervals; 0: none");
  o.add("every_stage", every_stage).help("evaluate after each stage, not only after the last one");
  o.add("untrained", untrained).help("evaluate the model before its first stage as well");
}

EvaluateSettings read_evaluate_settings(const Document& document) {
  EvaluateSettings e;
  Options o;
  e.declare(o);
  host::bind(o, table_or_empty(document, "evaluate"), "[evaluate]", evaluate_keys(), document);
  return e;
}

int64_t StageEntry::validation_interval(int64_t num_steps) const {
  const double number = std::strtod(validate_every.c_str(), nullptr);
  if (!validate_every.ends_with('%')) return static_cast<int64_t>(number);
  return std::max<int64_t>(
      1, static_cast<int64_t>(std::ceil(number / 100 * static_cast<double>(num_steps))));
}

bool is_among(const std::string& name, const std::vector<std::string>& names) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<TaskEntry> read_tasks(const Document& document, Registry& registry) {
  std::vector<TaskEntry> tasks;
  for (const Node* entry : entries_of(document.root().find("task"), "[[task]]", document)) {
    if (!is_enabled(*entry, document)) {
      entry->consume_all();
      continue;
    }
    TaskEntry task;
    Options o;
    o.add("weight", task.weight).range(0, 1e6).help("weight of the task's rows in the loss");
    o.add("repeat", task.repeat)
        .range(1e-6, 10000)
        .help(
            "how often the task's rows occur in an epoch; 0.1: a tenth of them, each in its turn");
    bind_host_options(o, *entry, "[[task]]", document);
    task.part = registry.choose("task", *entry, {"weight", "repeat"}, document);
    tasks.push_back(std::move(task));
  }
  return tasks;
}

std::vector<PartChoice> read_parts(const Node* list, std::string_view kind,
                                   const Document& document, Registry& registry) {
  std::vector<PartChoice> parts;
  for (const Node* entry : entries_of(list, std::string(kind), document)) {
    if (is_enabled(*entry, document)) {
      parts.push_back(registry.choose(kind, *entry, {}, document));
    } else {
      entry->consume_all();
    }
  }
  return parts;
}

std::vector<StageEntry> read_stages(const Document& document, Registry& registry,
                                    const std::vector<TaskEntry>& tasks) {
  const std::vector<std::string> keys = {"tasks",  "validate_with",    "validate_every", "patience",
                                         "select", "checkpoint_every", "curve_rows",     "reward"};
  std::vector<std::string> known;
  for (const TaskEntry& task : tasks) known.push_back(task.part.name);
  std::vector<StageEntry> stages;
  for (const Node* entry : entries_of(document.root().find("stage"), "[[stage]]", document)) {
    if (!is_enabled(*entry, document)) {
      entry->consume_all();
      continue;
    }
    StageEntry stage;
    if (const Node* every = entry->find("validate_every");
        every != nullptr && std::holds_alternative<int64_t>(every->value)) {
      stage.validate_every = std::to_string(std::get<int64_t>(every->value));
    } else if (every != nullptr && std::holds_alternative<std::string>(every->value)) {
      stage.validate_every = std::get<std::string>(every->value);
    } else if (every != nullptr) {
      document.complain(every->origin,
                        "validate_every must be a number of steps or a share such as \"5%\"");
    }
    Options o;
    o.add("tasks", stage.tasks).help("names of the tasks it trains on; none: all");
    o.add("validate_with", stage.validate_with).help("names of the tasks it validates on");
    o.add("patience", stage.patience)
        .at_least(0)
        .help("validations that are no better before it stops; 0: never");
    o.add("curve_rows", stage.curve_rows)
        .at_least(0)
        .unit("rows")
        .help("rank that many validation rows at each validation (Figure 4); 0: only the loss");
    o.add("select", stage.select)
        .help(
            "which state it hands on: best (lowest validation loss), last, or the highest of a "
            "number that curve_rows measures, such as item.hr@10")
        .check([&stage] {
          const bool needs_curve = stage.select != "best" && stage.select != "last";
          return needs_curve && stage.curve_rows == 0
                     ? "select = \"" + stage.select +
                           "\" chooses by ranked validation rows; set curve_rows, or use \"best\" "
                           "or \"last\""
                     : std::string();
        });
    o.add("checkpoint_every", stage.checkpoint_every)
        .at_least(0)
        .unit("steps")
        .help("0: at validations only");
    bind_host_options(o, *entry, "[[stage]]", document);
    for (const std::vector<std::string>* names : {&stage.tasks, &stage.validate_with}) {
      for (const std::string& task : *names) {
        if (std::find(known.begin(), known.end(), task) == known.end()) {
          document.complain(entry->origin,
                            "[[stage]]: there is no task '" + task + "'" + suggest(task, known));
        }
      }
    }
    for (const Node* reward : entries_of(entry->find("reward"), "[[stage.reward]]", document)) {
      if (!is_enabled(*reward, document)) {
        reward->consume_all();
        continue;
      }
      double weight = 1;
      Options r;
      r.add("weight", weight).range(-1e6, 1e6).help("weight of the reward in the sum");
      bind_host_options(r, *reward, "[[stage.reward]]", document);
      stage.rewards.push_back(registry.choose("reward", *reward, {"weight"}, document));
      stage.reward_weights.push_back(weight);
    }
    stage.trainer = registry.choose("trainer", *entry, keys, document);
    stages.push_back(std::move(stage));
  }
  return stages;
}

PromptWording read_wording(const Document& document) {
  PromptWording wording;
  const Node& prompt = table_or_empty(document, "prompt");
  const auto text_of = [&](const Node& node, const std::string& where) -> std::string {
    node.consumed = true;
    if (const auto* text = std::get_if<std::string>(&node.value)) return *text;
    document.complain(node.origin, where + " must be a string");
    return "";
  };
  for (const auto& [key, child] : std::get<Node::Table>(prompt.value)) {
    child.consumed = true;
    if (child.is_table()) {
      for (const auto& [slot, text] : std::get<Node::Table>(child.value))
        wording.forms[key][slot] = text_of(text, "[prompt." + key + "] " + slot);
    } else if (key == "frame") {
      wording.frame = text_of(child, "[prompt] frame");
    } else if (key == "separator") {
      wording.separator = text_of(child, "[prompt] separator");
    } else {
      wording.shared[key] = text_of(child, "[prompt] " + key);
    }
  }
  return wording;
}

std::string wording_text(const PromptWording& wording) {
  Node all;
  all.value = Node::Table{};
  const auto text = [](const std::string& value) {
    Node node;
    node.value = value;
    return node;
  };
  all.set("frame", text(wording.frame));
  all.set("separator", text(wording.separator));
  for (const auto& [name, value] : wording.shared) all.set(name, text(value));
  std::string lines = all.toml();
  for (const auto& [form, texts] : wording.forms) {
    for (const auto& [slot, value] : texts)
      lines += form + "." + slot + " = " + text(value).toml() + "\n";
  }
  return lines;
}

}  // namespace tsrec::host
