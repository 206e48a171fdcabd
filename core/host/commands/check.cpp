#include <algorithm>
#include <iostream>

#include "commands/commands.hpp"
#include "plugin/library.hpp"
#include "plugin/registry.hpp"
#include "support/child.hpp"
#include "tsrec/suggest.hpp"
#include "tsrec/testing/conformance.hpp"

namespace tsrec::host {
namespace {

using kit::Finding;
using kit::Verdict;

constexpr unsigned kSecondsForARule = 300;
constexpr char kSeparator = '\x1f';

// A crash or a hang is a finding like any other.
Finding applied_in_child(const kit::Rule& rule, const kit::Subject& subject) {
  const ChildOutcome outcome = in_child(
      [&] {
        const Finding finding = kit::apply(rule, subject);
        return std::to_string(static_cast<int>(finding.verdict)) + kSeparator + finding.detail;
      },
      kSecondsForARule);
  Finding finding{rule.sentence, Verdict::broken, ""};
  if (outcome.ending.empty()) {
    finding.verdict = static_cast<Verdict>(outcome.result.front() - '0');
    finding.detail = outcome.result.substr(2);
  } else {
    finding.detail = "the process was ended by " + outcome.ending +
                     (outcome.said.empty() ? "" : ": " + one_line(outcome.said));
  }
  return finding;
}

// --set part.key=value, for the parts of this file.
std::map<std::string, kit::OptionTexts> options_by_part(const Arguments& arguments,
                                                        const PluginInfo& plugin) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < plugin.count; ++i) parts.emplace_back(plugin.parts[i].name);
  std::map<std::string, kit::OptionTexts> options;
  for (const std::string& assignment : arguments.set) {
    const size_t dot = assignment.find('.'), equals = assignment.find('=');
    if (dot == std::string::npos || equals == std::string::npos || equals < dot) {
      throw ConfigError("--set ", assignment, ": expected PART.KEY=VALUE, such as --set ",
                        parts.front(), ".codes=8");
    }
    const std::string part = assignment.substr(0, dot);
    if (std::find(parts.begin(), parts.end(), part) == parts.end())
      throw ConfigError("--set ", assignment, ": the plugin has no part '", part, "'",
                        suggest(part, parts));
    options[part][assignment.substr(dot + 1, equals - dot - 1)] = assignment.substr(equals + 1);
  }
  return options;
}

void print_verdict(const char* word, const Finding& finding) {
  std::cout << word << finding.rule << '\n';
  if (!finding.detail.empty()) std::cout << "           " << finding.detail << '\n';
  std::cout << std::flush;
}

// One fault may break many rules: the one that it broke first, and the others.
struct Fault {
  Finding first;
  std::vector<std::string> others;
};

// Rules that the same exception ended, or the same crash, before they saw what they are about.
bool is_of(const Fault& fault, const Finding& broken) {
  const bool is_ended = broken.detail.starts_with("throws: ") ||
                        broken.detail.starts_with("the process was ended by ");
  return is_ended && broken.detail == fault.first.detail;
}

void add(std::vector<Fault>& faults, Finding broken) {
  const auto same = std::find_if(faults.begin(), faults.end(),
                                 [&](const Fault& fault) { return is_of(fault, broken); });
  if (same == faults.end()) {
    faults.push_back({std::move(broken), {}});
  } else {
    same->others.push_back(std::move(broken.rule));
  }
}

void print_fault(const Fault& fault) {
  print_verdict("  BROKEN   ", fault.first);
  if (fault.others.empty()) return;
  std::cout << "           and so " << fault.others.size() << " other rule"
            << (fault.others.size() == 1 ? "" : "s") << ": " << c10::Join("; ", fault.others)
            << '\n';
}

// Prints the verdicts, the broken rules last; returns their number.
int64_t check_part(const kit::Subject& subject, const PluginInfo& plugin) {
  std::cout << subject.info().kind << " " << subject.info().name << " (" << plugin.name << " "
            << plugin.version << ")\n";
  if (const auto missing = subject.missing(); !missing.empty()) {
    std::cout << "  skipped  all rules: it needs a value for " << c10::Join(", ", missing)
              << "; give it with --set " << subject.info().name << "." << missing.front()
              << "=...\n";
    return 0;
  }
  int64_t kept = 0, broken = 0, skipped = 0;
  std::vector<Fault> faults;
  for (const kit::Rule& rule : kit::rules_of(subject.info().kind)) {
    Finding finding = applied_in_child(rule, subject);
    if (finding.verdict == Verdict::broken) {
      ++broken;
      add(faults, std::move(finding));
    } else {
      const bool is_kept = finding.verdict == Verdict::kept;
      ++(is_kept ? kept : skipped);
      print_verdict(is_kept ? "  kept     " : "  skipped  ", finding);
    }
  }
  for (const Fault& fault : faults) print_fault(fault);
  std::cout << "  " << kept << " rules kept, " << broken << " broken, " << skipped << " skipped\n";
  return broken;
}

}  // namespace

int command_check(const Arguments& arguments) {
  if (arguments.words.size() != 1)
    throw ConfigError("check needs one plugin file, such as: tsrec check plugins/my_quantizer.so");
  PluginFile file;
  file.file = arguments.words.front();
  file.origin = "check";
  load(file);
  if (!file.refusal.empty()) throw PluginError(file.refusal);
  const auto options = options_by_part(arguments, *file.info);
  std::vector<kit::Subject> subjects;
  for (size_t i = 0; i < file.info->count; ++i) {
    const auto own = options.find(file.info->parts[i].name);
    subjects.emplace_back(file.info->parts[i],
                          own == options.end() ? kit::OptionTexts() : own->second);
    // A value that the part refuses is the caller's mistake and no broken rule.
    const kit::Subject& subject = subjects.back();
    if (!subject.options().empty() && subject.missing().empty()) subject.settings();
  }
  int64_t broken = 0;
  for (const kit::Subject& subject : subjects) broken += check_part(subject, *file.info);
  return broken == 0 ? kFine : kBadPlugin;
}

}  // namespace tsrec::host
