#include "pipeline/settings.hpp"

#include <algorithm>
#include <thread>

#include "config/entries.hpp"
#include "config/names.hpp"
#include "support/cuda.hpp"
#include "tsrec/suggest.hpp"

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

// A table of the document whose keys T declares.
template <class T>
T settings_of(const Document& document, const char* table) {
  T settings;
  Options o;
  settings.declare(o);
  host::bind(o, table_or_empty(document, table), c10::str("[", table, "]"), {}, document);
  return settings;
}

// An entry of a list whose host keys T declares.
template <class T>
T read_entry(std::string_view kind, PartChoice T::*part, const Node& node, const Document& document,
             Registry& registry) {
  T entry;
  Options host;
  entry.declare(host);
  entry.*part = registry.choose(kind, node, document, std::move(host));
  return entry;
}

void complain_about_unknown(const std::vector<std::string>& names, const Node& entry,
                            const std::vector<std::string>& known, const Document& document) {
  for (const std::string& name : names) {
    if (std::find(known.begin(), known.end(), name) == known.end())
      document.complain(entry.origin,
                        "[[stage]]: there is no task '" + name + "'" + suggest(name, known));
  }
}

}  // namespace

void RunSettings::declare(Options& o) {
  o.add("name", name).not_in_key().help("name of the run's folder");
  o.add("seed", seed).at_least(0).help("decides all random numbers");
  o.add("device", device)
      .one_of({"auto", "cpu", "cuda"})
      .help("auto: a CUDA device if there is one");
  o.add("precision", precision)
      .one_of({"auto", "float32", "bfloat16"})
      .help("of weights and activations; auto: bfloat16 where the processor is fast at it");
  o.add("products", products)
      .one_of({"auto", "mkl", "onednn"})
      .not_in_key()  // what it stands for is; see key_lines()
      .help(
          "library of float32 matrix products; auto: what TSREC_PRODUCTS says, else oneDNN on "
          "processors with AVX512 that are not Intel's, and MKL on all others");
  o.add("threads", threads).range(0, 4096).help("0: all cores");
  o.add("time_budget_minutes", time_budget_minutes)
      .at_least(0)
      .not_in_key()
      .help("a stage that takes longer stops tidily; 0: none");
  o.add("checkpoint_seconds", checkpoint_seconds)
      .at_least(0)
      .unit("seconds")
      .not_in_key()
      .help(
          "what is fitted or trained in steps saves a checkpoint that often; 0: after every step");
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
  if (run.products == "onednn" && !has_onednn()) {
    document.complain(table.find("products")->origin,
                      "[run] products = \"onednn\", but this LibTorch was built without oneDNN; "
                      "products = \"auto\" takes what is there");
  }
  run.product_library = run.products == "mkl"      ? ProductLibrary::mkl
                        : run.products == "onednn" ? ProductLibrary::onednn
                                                   : default_product_library();
  return run;
}

// Rises when the passes of a processor round bfloat16 elsewhere, which leaves float32 as it is.
constexpr int kBfloat16Revision = 4;

// What "auto" stands for here, not the word: another machine may choose otherwise.
std::string key_lines(const RunSettings& run) {
  RunSettings chosen = run;
  chosen.device = run.torch_device.str();
  chosen.precision = c10::toString(run.torch_precision);
  Options options;
  chosen.declare(options);
  std::string text;
  for (const auto& field : options.fields()) {
    if (field->facts().in_key)
      text += "run " + field->facts().key + " = " + field->value_text() + "\n";
  }
  // Only where the bytes differ from those of most machines.
  if (run.product_library != ProductLibrary::mkl)
    text += c10::str("run products = ", name_of(run.product_library), "\n");
  if (run.torch_precision == torch::kBFloat16 && run.torch_device.is_cpu())
    text += c10::str("run bfloat16 = revision ", kBfloat16Revision, "\n");
  return text;
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
  o.add("constraint", constraint)
      .one_of({"trie", "level"})
      .help(
          "trie: SIDs of the catalogue alone; level: any code of each level, as LC-Rec decodes, so "
          "that answers may be SIDs of no item: `illegal_rate` counts them, and lists go without");
  o.add("repeats", repeats)
      .came_later()
      .help(
          "items of the history may stand in a model's lists; false: they are left out, as "
          "recommenders with `repeats = false` do (theirs is an option of each), so lists may be "
          "shorter than `beams`")
      .check([this] {
        return repeats || constraint == "trie"
                   ? ""
                   : "repeats = false leaves SIDs out that `illegal_rate` counts under constraint "
                     "= \"level\"; take constraint = \"trie\", or repeats = true";
      });
  o.add("score_suffix", score_suffix).help("full: add the forced tokens behind a SID to its score");
  o.add("limit", limit).at_least(0).unit("rows").help("rank that many evenly spaced rows; 0: all");
  o.add("bootstrap", bootstrap)
      .range(0, 1000000)
      .not_in_key()
      .help("resamples of the 95 % intervals; 0: none");
  o.add("every_stage", every_stage)
      .not_in_key()
      .help("evaluate after each stage, not only where no other goes on");
  o.add("untrained", untrained)
      .not_in_key()
      .help("evaluate the model before its first stage as well");
}

EvaluateSettings read_evaluate_settings(const Document& document) {
  EvaluateSettings e;
  Options o;
  e.declare(o);
  e.options =
      host::bind(o, table_or_empty(document, "evaluate"), "[evaluate]", {"metric"}, document);
  return e;
}

void AuditSettings::declare(Options& o) {
  o.add("fail_on", fail_on)
      .not_in_key()  // it decides what follows from the findings, not what they are
      .help(
          "rules of the audit that end a run before anything is trained where they find something; "
          "[]: none")
      .check([this]() -> std::string {
        const std::vector<std::string> known = audit_rule_names();
        for (const std::string& rule : fail_on) {
          if (std::find(known.begin(), known.end(), rule) == known.end())
            return "fail_on: the audit has no rule '" + rule + "'" + suggest(rule, known);
        }
        return "";
      });
}

AuditSettings read_audit_settings(const Document& document) {
  return settings_of<AuditSettings>(document, "audit");
}

void ReportSettings::declare(Options& o) {
  o.add("correction", correction)
      .one_of({"holm", "benjamini_hochberg"})
      .not_in_key()
      .help(
          "how p-values are adjusted over their family: holm keeps the whole family free of false "
          "findings 19 times in 20, benjamini_hochberg the share of false ones among the findings "
          "at 5 %; warnings of losses are always Holm's");
  o.add("equivalence", equivalence)
      .range(0, 1e6)
      .not_in_key()
      .help(
          "the largest difference that counts as none, such as 0.005: two one-sided tests say "
          "where no difference is shown, and not only none found; 0: not tested");
}

ReportSettings read_report_settings(const Document& document) {
  return settings_of<ReportSettings>(document, "report");
}

bool is_among(const std::string& name, const std::vector<std::string>& names) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

void TaskEntry::declare(Options& o) {
  o.add("weight", weight).range(0, 1e6).help("weight of the task's rows in the loss");
  o.add("repeat", repeat)
      .range(1e-6, 10000)
      .help("how often the task's rows occur in an epoch; 0.1: a tenth of them, each in its turn");
}

namespace {

constexpr int64_t kRankedRows = 1000;

bool selects_by_number(const StageEntry& stage) {
  return stage.select != "auto" && stage.select != "best" && stage.select != "last";
}

}  // namespace

bool StageEntry::is_rl() const {
  return trainer.info != nullptr && trainer.info->needs_item_answers;
}

bool StageEntry::starts_trained() const { return from != kUntrained; }

int64_t StageEntry::ranked_rows() const {
  if (curve_rows >= 0) return curve_rows;
  return is_rl() || must_rank() ? kRankedRows : 0;
}

bool StageEntry::must_rank() const {
  return curve_rows != 0 && (curve_rows > 0 || selects_by_number(*this) || on_alarm != "warn");
}

std::string StageEntry::selection() const {
  if (select != "auto") return select;
  if (!is_rl()) return "best";
  return ranked_rows() > 0 ? "watched" : "last";  // never the reward, which it trains for
}

RowShare StageEntry::row_share() const { return *RowShare::parse(rows); }

void StageEntry::declare(Options& o) {
  o.add("from", from)
      .not_in_key()  // the model it starts from is an input
      .help(
          "name of the earlier stage whose model it starts from, or \"untrained\"; default: the "
          "stage before it");
  o.add("tasks", tasks).help("names of the tasks it trains on; none: all");
  o.add("rows", rows)
      .help(
          "which training rows it sees, by time: all, \"first:0.8\" or \"last:0.2\" of them; what "
          "one stage leaves out, a later one can train on unseen")
      .check([this] {
        return RowShare::parse(rows)
                   ? std::string()
                   : "rows = \"" + rows +
                         "\" is none of \"all\", \"first:SHARE\" and \"last:SHARE\", with a share "
                         "between 0 and 1, such as \"last:0.2\"";
      });
  o.add("validate_with", validate_with).help("names of the tasks it validates on");
  o.add("validate_every", validate_every).help("steps between validations, or their share of all");
  o.add("patience", patience)
      .at_least(0)
      .help("validations that are no better before it stops; 0: never");
  o.add("curve_rows", curve_rows)
      .at_least(-1)
      .unit("rows")
      .help(
          c10::str("rank that many validation rows at each validation (Figure 4), and before the "
                   "first step where the stage starts from a trained model; 0: only the loss; -1: ",
                   kRankedRows, " where `select` or `on_alarm` asks for it and in RL, else 0"));
  o.add("select", select)
      .help(
          "which state it hands on: best (lowest validation loss), last, watched (the best of the "
          "number that `watch` names; instead of a trained start only one that is better by its "
          "whole 95 % interval), or the best of another number that curve_rows measures, such as "
          "item.ndcg@5; auto: watched in RL, else best")
      .check([this] {
        return selects_by_number(*this) && curve_rows == 0
                   ? "select = \"" + select +
                         "\" chooses by ranked validation rows; set curve_rows, or use \"best\" "
                         "or \"last\""
                   : std::string();
      });
  o.add("watch", watch)
      .help(
          "the ranking number that the stage must not lose; auto: item.hr@10, or the nearest that "
          "the metrics have");
  o.add("on_alarm", on_alarm)
      .one_of({"warn", "stop", "revert"})
      .help(
          "what follows when the watched number is worse than that of the trained model which the "
          "stage starts from, by a paired bootstrap (95 %) on the ranked validation rows. warn: a "
          "warning; stop: the training ends as well; revert: it ends, and the start is handed on")
      .check([this] {
        return on_alarm != "warn" && curve_rows == 0
                   ? "on_alarm = \"" + on_alarm +
                         "\" compares ranked validation rows with the start's; set curve_rows"
                   : std::string();
      });
  o.add("checkpoint_every", checkpoint_every)
      .at_least(0)
      .unit("steps")
      .not_in_key()
      .help(
          "save a checkpoint that often as well; 0: at validations, and by [run] "
          "checkpoint_seconds");
  o.add_parts("observer", observers)
      .help("what looks at every step, and may end the training: [[stage.observer]]");
}

std::vector<TaskEntry> read_tasks(const Document& document, Registry& registry) {
  std::vector<TaskEntry> tasks;
  for (const Node* entry : entries_of(document.root().find("task"), "[[task]]", document)) {
    if (is_enabled(*entry, document))
      tasks.push_back(read_entry("task", &TaskEntry::part, *entry, document, registry));
  }
  return tasks;
}

std::optional<PartChoice> read_part(std::string_view kind, const Document& document,
                                    Registry& registry) {
  const Node* table = document.root().find(kind);
  if (table == nullptr || !is_enabled(*table, document)) return std::nullopt;
  return registry.choose(kind, *table, document);
}

std::vector<PartChoice> read_parts(const Node* list, std::string_view kind,
                                   const Document& document, Registry& registry) {
  std::vector<PartChoice> parts;
  for (const Node* entry : entries_of(list, std::string(kind), document)) {
    if (is_enabled(*entry, document)) parts.push_back(registry.choose(kind, *entry, document));
  }
  return parts;
}

std::vector<PartChoice> read_trackers(const Document& document, Registry& registry) {
  constexpr const char* kAlways = "jsonl";
  const Node* list = document.root().find("tracker");
  std::vector<PartChoice> trackers;
  const std::vector<const Node*> named = entries_of(list, "[[tracker]]", document);
  const bool is_named = std::any_of(named.begin(), named.end(),
                                    [&](const Node* entry) { return name_of(*entry) == kAlways; });
  if (!is_named) {
    Node entry, use;
    entry.value = Node::Table{};
    use.value = std::string(kAlways);
    entry.set("use", use);
    trackers.push_back(registry.choose("tracker", entry, document));
  }
  for (PartChoice& tracker : read_parts(list, "tracker", document, registry))
    trackers.push_back(std::move(tracker));
  return trackers;
}

namespace {

// `from` becomes a name: without one, that of the stage before.
void resolve_from(StageEntry& stage, const std::vector<StageEntry>& before, const Node& entry,
                  const Document& document) {
  if (stage.from.empty()) {
    stage.from = before.empty() ? kUntrained : before.back().trainer.name;
    return;
  }
  std::vector<std::string> known = {kUntrained};
  for (const StageEntry& earlier : before) known.push_back(earlier.trainer.name);
  if (std::find(known.begin(), known.end(), stage.from) == known.end()) {
    document.complain(entry.origin, "[[stage]] from = \"" + stage.from +
                                        "\": no earlier stage is called so" +
                                        suggest(stage.from, known));
  }
}

}  // namespace

std::vector<StageEntry> read_stages(const Document& document, Registry& registry,
                                    const std::vector<TaskEntry>& tasks) {
  std::vector<std::string> known;
  for (const TaskEntry& task : tasks) known.push_back(task.part.name);
  std::vector<StageEntry> stages;
  for (const Node* entry : entries_of(document.root().find("stage"), "[[stage]]", document)) {
    if (!is_enabled(*entry, document)) continue;
    StageEntry stage = read_entry("trainer", &StageEntry::trainer, *entry, document, registry);
    complain_about_unknown(stage.tasks, *entry, known, document);
    complain_about_unknown(stage.validate_with, *entry, known, document);
    resolve_from(stage, stages, *entry, document);
    if (stage.on_alarm != "warn" && !stage.starts_trained())
      document.complain(entry->origin, "[[stage]] on_alarm = \"" + stage.on_alarm +
                                           "\" compares with the trained model that the stage "
                                           "starts from, and it starts from the untrained one");
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
    } else if (key == "begin") {
      wording.begin = text_of(child, "[prompt] begin");
    } else {
      wording.shared[key] = text_of(child, "[prompt] " + key);
    }
  }
  return wording;
}

std::string key_lines(const PromptWording& wording) {
  std::string lines;
  const auto add = [&](const std::string& name, const std::string& value) {
    Node node;
    node.value = value;
    lines += "prompt " + name + " = " + node.toml() + "\n";
  };
  add("frame", wording.frame);
  add("separator", wording.separator);
  // "auto" adds nothing that the tokenizer, whose files are in the key, does not say.
  if (wording.begin != PromptWording().begin) add("begin", wording.begin);
  for (const auto& [name, value] : wording.shared) add(name, value);
  for (const auto& [form, texts] : wording.forms) {
    for (const auto& [slot, value] : texts) add(form + "." + slot, value);
  }
  return lines;
}

}  // namespace tsrec::host
