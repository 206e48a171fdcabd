#include <algorithm>
#include <csignal>
#include <iostream>
#include <sstream>

#include "commands/commands.hpp"
#include "commands/open.hpp"
#include "plugin/library.hpp"
#include "plugin/registry.hpp"
#include "support/child.hpp"
#include "support/endings.hpp"
#include "tsrec/suggest.hpp"
#include "tsrec/testing/conformance.hpp"

namespace tsrec::host {
namespace {

using kit::Finding;
using kit::Verdict;

constexpr char kSeparator = '\x1f';

// Behind its guard a part is named in what a crash, exit() or the clock makes the process say.
kit::Subject guarded(const kit::Subject& subject) {
  const PartInfo& info = subject.info();
  const auto identity = std::make_shared<const PartIdentity>(
      PartIdentity{c10::str(info.kind, " '", info.name, "'"), ""});
  return subject.made_by([info, identity](const void* settings, Context& context) {
    return make_guarded(info, settings, identity, context);
  });
}

// When the time is over, the process says which call is under way, and ends by the signal all the
// same.
void name_what_takes_so_long(int64_t seconds) {
  static std::string rest;
  rest = c10::str(", ", seconds, seconds == 1 ? " second" : " seconds",
                  " after the rule began: does it wait for something, or loop? --seconds gives "
                  "every rule more time");
  struct sigaction action {};
  action.sa_handler = [](int) {
    say_of_open_call("is still", {rest.c_str()});
    std::signal(SIGALRM, SIG_DFL);
    std::raise(SIGALRM);
  };
  action.sa_flags = SA_ONSTACK;  // a kernel of oneDNN may have numbers in the stack pointer
  ::sigaction(SIGALRM, &action, nullptr);
}

// What the process said about its own end, and what it had said before.
std::string ending_of(const ChildOutcome& outcome) {
  const std::string prefix = "tsrec: ";
  std::string sentence = "the process was ended by " + outcome.ending, before;
  std::istringstream lines(outcome.said);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(prefix)) {
      sentence = line.substr(prefix.size());
    } else {
      before += line + "\n";
    }
  }
  return sentence + (before.empty() ? "" : "; it had said: " + one_line(before));
}

struct Tried {
  Finding finding;
  bool is_late = false;
};

// A crash or a hang is a finding like any other.
Tried tried_in_child(const kit::Rule& rule, const kit::Subject& subject, int64_t seconds) {
  const ChildOutcome outcome = in_child(
      [&] {
        name_what_takes_so_long(seconds);
        const Finding finding = kit::apply(rule, subject);
        return std::to_string(static_cast<int>(finding.verdict)) + kSeparator + finding.detail;
      },
      static_cast<unsigned>(seconds));
  Tried tried{{rule.sentence, Verdict::broken, ""}, outcome.is_late};
  if (outcome.ending.empty()) {
    tried.finding.verdict = static_cast<Verdict>(outcome.result.front() - '0');
    tried.finding.detail = outcome.result.substr(2);
  } else {
    tried.finding.detail = ending_of(outcome);
  }
  return tried;
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

// One fault may break many rules: the one that it broke first, and the others, where the same was
// seen.
struct Fault {
  Finding first;
  std::vector<std::string> others;
};

void add(std::vector<Fault>& faults, Finding broken) {
  const auto same = std::find_if(faults.begin(), faults.end(), [&](const Fault& fault) {
    return fault.first.detail == broken.detail;
  });
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
int64_t check_part(const kit::Subject& subject, const PluginInfo& plugin, int64_t seconds) {
  std::cout << subject.info().kind << " " << subject.info().name << " (" << plugin.name << " "
            << plugin.version << ")\n";
  if (const auto missing = subject.missing(); !missing.empty()) {
    std::cout << "  skipped  all rules: it needs a value for " << c10::Join(", ", missing)
              << "; give it with --set " << subject.info().name << "." << missing.front()
              << "=...\n";
    return 0;
  }
  const std::vector<kit::Rule>& rules = kit::rules_of(subject.info().kind);
  int64_t kept = 0, broken = 0, skipped = 0;
  bool is_late = false;
  std::vector<Fault> faults;
  for (size_t i = 0; i < rules.size() && !is_late; ++i) {
    auto [finding, was_late] = tried_in_child(rules[i], subject, seconds);
    is_late = was_late;
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
  const int64_t untried = static_cast<int64_t>(rules.size()) - kept - broken - skipped;
  std::cout << "  " << kept << " rules kept, " << broken << " broken, " << skipped << " skipped"
            << (is_late ? c10::str(", ", untried, " not tried behind the one that took too long")
                        : "")
            << '\n';
  return broken;
}

}  // namespace

int command_check(const Arguments& arguments) {
  constexpr int64_t kLongest = 1'000'000;
  if (arguments.seconds < 1 || arguments.seconds > kLongest)
    throw ConfigError("--seconds is ", arguments.seconds, "; expected 1 .. ", kLongest);
  if (arguments.words.size() != 1)
    throw ConfigError("check needs one plugin file, such as: tsrec check plugins/my_quantizer.so");
  PluginFile file;
  file.file = arguments.words.front();
  file.origin = "check";
  load(file);
  if (!file.refusal.empty()) throw PluginError(file.refusal);
  watch_endings(/*advice=*/"");
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
  for (const kit::Subject& subject : subjects)
    broken += check_part(guarded(subject), *file.info, arguments.seconds);
  return broken == 0 ? kFine : kBadPlugin;
}

}  // namespace tsrec::host
