#include <iostream>

#include "commands/commands.hpp"
#include "pipeline/host_keys.hpp"
#include "plugin/registry.hpp"
#include "tsrec/io/toml_text.hpp"
#include "tsrec/part_options.hpp"

namespace tsrec::host {
namespace {

// or_text: between names; in a table of Markdown, a plain "|" would end the cell.
std::string limits(const Field::Facts& facts, const std::string& or_text) {
  if (!facts.names.empty()) return c10::Join(or_text, facts.names);
  const bool low = std::isfinite(facts.low), high = std::isfinite(facts.high);
  if (low && high) return io::plain_number(facts.low) + " .. " + io::plain_number(facts.high);
  return low ? "at least " + io::plain_number(facts.low) : "";
}

void print_markdown(const Options& options) {
  if (options.fields().empty()) {
    std::cout << "No options.\n";
    return;
  }
  std::cout << "| option | type | default | values | effect |\n|---|---|---|---|---|\n";
  for (const auto& field : options.fields()) {
    const Field::Facts& facts = field->facts();
    std::cout << "| `" << facts.key << "` | " << facts.type << " | "
              << (facts.is_required ? "required" : "`" + facts.default_text + "`") << " | "
              << limits(facts, " \\| ") << " | " << facts.help
              << (facts.unit.empty() ? "" : " (" + facts.unit + ")") << " |\n";
  }
}

// What could stand behind the key: the default, or a part's table.
std::string example_of(const Field& field) {
  const auto* slot = std::get_if<AnySlot*>(&field.target());
  if (slot == nullptr) return field.facts().default_text;
  return (*slot)->is_list() ? "[{ use = \"...\" }]" : "{ use = \"...\" }";
}

void print_toml(const PartInfo& part, Options& options) {
  std::cout << find_kind(part.kind)->table() << "\nuse = \"" << part.name << "\"\n";
  for (const auto& field : options.fields()) {
    const Field::Facts& facts = field->facts();
    const bool is_part = std::holds_alternative<AnySlot*>(field->target());  // a table below
    std::cout << (facts.is_required && !is_part ? "" : "# ") << facts.key << " = "
              << example_of(*field) << "   # " << facts.help << '\n';
  }
}

void print_options(const Options& options) {
  for (const auto& field : options.fields()) {
    const Field::Facts& facts = field->facts();
    std::cout << "\n  " << facts.key << "  (" << facts.type
              << (facts.unit.empty() ? "" : ", " + facts.unit) << ", "
              << (facts.is_required ? "required" : "default " + facts.default_text) << ")\n      "
              << facts.help << '\n';
    if (const std::string values = limits(facts, " | "); !values.empty())
      std::cout << "      values: " << values << '\n';
  }
}

// The forms that the part brings along, as an experiment would write them. before: of each line.
void print_wordings(const PartInfo& part, const std::string& before) {
  const Wordings brought = part.wordings == nullptr ? Wordings() : part.wordings();
  for (const auto& [form, texts] : brought) {
    std::cout << '\n' << before << "[prompt." << form << "]   # it brings these texts along\n";
    for (const auto& [placeholder, text] : texts)
      std::cout << before << placeholder << " = " << io::toml_string(text) << '\n';
  }
}

// All keys of the host, a table for each table of an experiment.
void print_host_keys(bool as_markdown) {
  for (const HostTable& table : host_tables()) {
    if (as_markdown) {
      std::cout << "\n**`" << table.name << "`**\n\n";
      print_markdown(table.options);
    } else {
      std::cout << table.name << "\n";
      print_options(table.options);
      std::cout << "\n";
    }
  }
}

void print_text(const PartInfo& part, const PluginFile& file, const Options& options) {
  std::cout << part.kind << " " << part.name << ": " << part.summary << "\nplugin "
            << file.info->name << " " << file.info->version << ", " << file.file.string() << "\n";
  print_options(options);
  std::cout << "\nthe host's in the same table (tsrec describe host says more):\n  ";
  std::string keys;
  for (const HostTable& table : host_tables_of(*find_kind(part.kind))) {
    for (const auto& field : table.options.fields())
      keys += (keys.empty() ? "" : ", ") + field->facts().key;
  }
  std::cout << keys << "\n";
  print_wordings(part, "  ");
}

}  // namespace

int command_describe(const Arguments& arguments) {
  if (arguments.markdown && arguments.toml)
    throw ConfigError("describe takes --toml or --markdown, and was given both");
  if (arguments.words.size() == 1 && arguments.words.front() == "host") {
    print_host_keys(arguments.markdown);
    return kFine;
  }
  if (arguments.words.size() != 2)
    throw ConfigError(
        "describe needs a kind and a name, such as: tsrec describe quantizer rq_kmeans; or  tsrec "
        "describe host, for the keys of the host");
  named_kind(arguments.words[0]);
  Registry registry(arguments.plugins, arguments.experiment);
  Origin asked;
  asked.flag = "the command line";
  const auto [part, file] = registry.find(arguments.words[0], arguments.words[1], asked);
  PartOptions declared(*part);
  if (arguments.markdown) {
    print_markdown(declared.options);
  } else if (arguments.toml) {
    print_toml(*part, declared.options);
    print_wordings(*part, "# ");
  } else {
    print_text(*part, *file, declared.options);
  }
  return kFine;
}

}  // namespace tsrec::host
