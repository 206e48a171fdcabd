#include "tsrec/testing/conformance.hpp"

#include <algorithm>
#include <sstream>

#include "host_state.hpp"
#include "rules.hpp"
#include "tsrec/part_options.hpp"

namespace tsrec::kit {
namespace {

using AllRules = std::map<std::string, std::vector<Rule>, std::less<>>;

AllRules all_rules() {
  AllRules all = {{"source", source_rules()},           {"encoder", encoder_rules()},
                  {"quantizer", quantizer_rules()},     {"resolver", resolver_rules()},
                  {"extractor", extractor_rules()},     {"backbone", backbone_rules()},
                  {"initializer", initializer_rules()}, {"task", task_rules()},
                  {"trainer", trainer_rules()},         {"reward", reward_rules()},
                  {"observer", observer_rules()},       {"recommender", recommender_rules()},
                  {"metric", metric_rules()},           {"tracker", tracker_rules()}};
  for (auto& [kind, rules] : all) {
    const std::vector<Rule> any = any_part_rules();
    rules.insert(rules.begin(), any.begin(), any.end());
  }
  return all;
}

}  // namespace

const std::vector<Rule>& rules_of(std::string_view kind) {
  static const AllRules all = all_rules();
  const auto found = all.find(kind);
  if (found == all.end()) throw Error("there are no rules for the kind '", kind, "'");
  return found->second;
}

Finding apply(const Rule& rule, const Subject& subject) {
  Finding finding{rule.sentence, Verdict::kept, ""};
  if (const auto missing = subject.missing(); !missing.empty()) {
    finding.verdict = Verdict::skipped;
    finding.detail = "it needs a value for " + c10::Join(", ", missing) + "; give it with --set " +
                     subject.info().name + "." + missing.front() + "=...";
    return finding;
  }
  const auto broken = [&](const std::string& detail) {
    finding.verdict = Verdict::broken;
    finding.detail = detail;
  };
  HostState host;
  try {
    rule.check(subject);
  } catch (const Broken& seen) {
    broken(seen.detail);
  } catch (const BrokenPart& seen) {
    broken(seen.what());
  } catch (const Skipped& skipped) {
    finding.verdict = Verdict::skipped;
    finding.detail = skipped.reason;
  } catch (const c10::Error& error) {
    broken(std::string("throws: ") + error.what_without_backtrace());
  } catch (const std::exception& error) {
    broken(std::string("throws: ") + error.what());
  } catch (...) {
    broken("throws something that is no std::exception");
  }
  if (const std::string changed = host.difference();
      !changed.empty() && finding.verdict == Verdict::kept)
    broken(changed);
  return finding;
}

std::vector<Finding> conformance(const Subject& subject) {
  std::vector<Finding> findings;
  for (const Rule& rule : rules_of(subject.info().kind)) findings.push_back(apply(rule, subject));
  return findings;
}

// --- what rules are written with -----------------------------------------------------------------
bool same(const torch::Tensor& a, const torch::Tensor& b) {
  if (!a.defined() || !b.defined()) return a.defined() == b.defined();
  return a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() && torch::equal(a, b);
}

bool may_need(const Subject& subject, std::string_view kind) {
  std::istringstream always(subject.info().needs);
  for (std::string needed; always >> needed;) {
    if (needed == kind) return true;
  }
  const PartOptions declared(subject.info());
  const auto& fields = declared.options.fields();
  return std::any_of(fields.begin(), fields.end(),
                     [&](const auto& field) { return field->facts().needed_kind == kind; });
}

void append(std::vector<Rule>& rules, std::vector<Rule> more) {
  for (Rule& rule : more) rules.push_back(std::move(rule));
}

std::vector<Rule> long_work_rules(const Work& work) {
  return {{"a stop ends the work with Interrupted, or it returns",
           [work](const Subject& subject) {
             TestContext context;
             context.stop = true;
             try {
               work(subject, context);
             } catch (const Interrupted&) {
             }
           }},
          {"progress runs forward up to its total, numbers and names can be shown",
           [work](const Subject& subject) {
             TestContext context;
             work(subject, context);
             require(context.complaint().empty(), context.complaint());
           }}};
}

}  // namespace tsrec::kit
