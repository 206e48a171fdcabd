#include "pipeline/audit.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace tsrec::host {
namespace {

using nlohmann::json;

constexpr const char* kTimeLeaks = "Ji et al., 2023, arXiv 2010.11060";
constexpr const char* kShownAnswers =
    "MiniOneRec before 2025-12-01, whose prompts showed the answer";

}  // namespace

const std::vector<AuditRule>& audit_rules() {
  static const std::vector<AuditRule> rules = {
      {"late_rows", "training rows later than their user's first test row", "training rows",
       "the model has seen what its user did after the question",
       "let the split put every user's test rows behind his training rows", kTimeLeaks, true},
      {"test_rows",
       "test rows that are training or validation rows as well: user, history, target and time",
       "test rows", "the model has seen the answer", "take them out of one of the splits",
       kTimeLeaks, true},
      {"answer_behind_marker",
       "rows of tasks whose prompt shows the answer behind the response marker", "rows of tasks",
       "the model learns to copy, and at test time there is nothing to copy",
       "take the answer out of the form's prompt", kShownAnswers, true},
      {"copied_answers", "tasks whose prompt shows the answer in every row", "tasks",
       "the model learns to copy, and at test time there is nothing to copy",
       "take the answer out of the form's prompt", kShownAnswers, true},
      {"mixed_eras", "training rows later than the first test row of anybody", "training rows",
       "what others did later is known, as in every leave-one-out split; a split by time has none",
       "split by time where that matters", kTimeLeaks, false},
      {"boundary_ties", "training and validation rows at the very time of the first test row",
       "training and validation rows", "the order of the file decides which side they are on",
       "see how coarse the times are", "", false},
      {"same_time", "test rows whose user has another row at the same time", "test rows",
       "which of them came first is the order of the file", "see how coarse the times are", "",
       false},
      {"duplicate_rows", "rows that stand in their split before: user, history, target and time",
       "rows", "they count twice", "take them out of the source", "", false},
      {"test_pairs", "test rows whose history and target are those of a training row", "test rows",
       "remembering is enough for them", "look at numbers without them", "", false},
      {"repeats", "test rows whose target stands in their own history", "test rows",
       "repeating the history is enough for them", "compare with the floor repeat_last", "", false},
      {"unseen_targets", "test rows whose target stands in no training row", "test rows",
       "only texts and vectors can find them", "see the numbers of cold items", "", false},
      {"shared_users", "test users who have training rows as well", "test users",
       "a split by user has none, every other split has them", "", "", false},
      {"duplicate_items", "items whose texts are all those of another", "items",
       "no encoder of texts can tell them apart",
       "merge them, or choose a resolver that goes by "
       "item",
       "", false},
      {"duplicate_titles", "items that share their title with another", "items",
       "a text task gives one question several answers", "add another column to the texts", "",
       false},
      {"collided_items", "items that share their SID with another", "items",
       "a SID of several items stands for all of them", "choose a resolver that separates them", "",
       false},
      {"collided_targets", "test rows whose target shares its SID with another item", "test rows",
       "numbers at SID level count any of its items as a hit", "read the numbers at item level", "",
       false},
      {"answer_in_prompt", "rows of tasks whose prompt shows the answer anywhere", "rows of tasks",
       "copying is enough for them, as where a target stands in its history", "", "", false},
      {"test_prompts", "test rows of tasks whose prompt and answer are those of a training row",
       "test rows of tasks", "remembering is enough for them", "look at numbers without them",
       kShownAnswers, false},
  };
  return rules;
}

const AuditRule& audit_rule(const std::string& name) {
  for (const AuditRule& rule : audit_rules()) {
    if (rule.name == name) return rule;
  }
  throw Error("the audit has no rule '", name, "'");
}

std::vector<std::string> audit_rule_names() {
  std::vector<std::string> names;
  for (const AuditRule& rule : audit_rules()) names.emplace_back(rule.name);
  return names;
}

std::vector<std::string> always_wrong() {
  std::vector<std::string> names;
  for (const AuditRule& rule : audit_rules()) {
    if (rule.is_wrong) names.emplace_back(rule.name);
  }
  return names;
}

const char* name_of(AuditVerdict verdict) {
  switch (verdict) {
    case AuditVerdict::pass:
      return "pass";
    case AuditVerdict::note:
      return "note";
    default:
      return "FAIL";
  }
}

namespace {

bool is_named(const AuditFinding& finding, const std::vector<std::string>& names) {
  return std::find(names.begin(), names.end(), finding.rule->name) != names.end();
}

}  // namespace

AuditVerdict verdict_of(const AuditFinding& finding, const std::vector<std::string>& fail_on) {
  if (finding.count == 0) return AuditVerdict::pass;
  return finding.rule->is_wrong || is_named(finding, fail_on) ? AuditVerdict::fail
                                                              : AuditVerdict::note;
}

std::string short_text(const AuditFinding& finding) {
  return c10::str(finding.rule->name, ": ", finding.count, " of ", finding.of, " ",
                  finding.rule->among);
}

void refuse_findings(const std::vector<AuditFinding>& findings,
                     const std::vector<std::string>& fail_on) {
  std::string sentences;
  for (const AuditFinding& finding : findings) {
    if (finding.count == 0 || !is_named(finding, fail_on)) continue;
    const AuditRule& rule = *finding.rule;
    const std::string mend = rule.mend;
    sentences +=
        c10::str(sentences.empty() ? "" : "\n", rule.name, ": ", finding.count, " of ", finding.of,
                 ": ", rule.counts, ", such as ", c10::Join(", ", finding.examples), "; ", mend,
                 mend.empty() ? "" : ", or ", "leave '", rule.name, "' out of [audit] fail_on");
  }
  if (!sentences.empty()) throw DataError(sentences);
}

void write_audit(const std::vector<AuditFinding>& findings, ArtifactWriter& out) {
  json list = json::array();
  for (const AuditFinding& finding : findings) {
    json shares = json::array();
    for (const AuditFinding::Share& share : finding.shares)
      shares.push_back({{"name", share.name}, {"count", share.count}, {"of", share.of}});
    list.push_back({{"rule", finding.rule->name},
                    {"count", finding.count},
                    {"of", finding.of},
                    {"examples", finding.examples},
                    {"shares", shares}});
  }
  out.text("audit", list.dump(-1, ' ', false, json::error_handler_t::replace));
}

std::vector<AuditFinding> read_audit(const std::filesystem::path& folder) {
  const std::vector<std::string> known = audit_rule_names();
  std::vector<AuditFinding> findings;
  for (const json& entry : json::parse(ArtifactReader(folder).text("audit"))) {
    const auto name = entry.at("rule").get<std::string>();
    if (std::find(known.begin(), known.end(), name) == known.end()) continue;
    AuditFinding& finding = findings.emplace_back();
    finding.rule = &audit_rule(name);
    finding.count = entry.at("count").get<int64_t>();
    finding.of = entry.at("of").get<int64_t>();
    finding.examples = entry.at("examples").get<std::vector<std::string>>();
    for (const json& share : entry.at("shares"))
      finding.shares.push_back({share.at("name").get<std::string>(),
                                share.at("count").get<int64_t>(), share.at("of").get<int64_t>()});
  }
  return findings;
}

}  // namespace tsrec::host
