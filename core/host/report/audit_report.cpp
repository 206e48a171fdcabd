#include "report/audit_report.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "pipeline/parts.hpp"
#include "report/table.hpp"

namespace tsrec::host {
namespace {

using nlohmann::ordered_json;

int64_t count_of(const AuditReport& report, AuditVerdict verdict) {
  return std::count_if(report.rows.begin(), report.rows.end(),
                       [&](const AuditReport::Row& row) { return row.verdict == verdict; });
}

// "; note: repeats: 215 of 4533 test rows, ..."; "" where no rule has the verdict.
std::string those_with(AuditVerdict verdict, const AuditReport& report) {
  std::string text;
  for (const AuditReport::Row& row : report.rows) {
    if (row.verdict == verdict)
      text += (text.empty() ? c10::str("; ", name_of(verdict), ": ") : std::string(", ")) +
              short_text(row.finding);
  }
  return text;
}

// Keys and titles may hold what a table is made of.
std::string cell(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '|' || c == '\n'; }, ' ');
  return text;
}

}  // namespace

AuditReport audit_report(const std::vector<AuditFinding>& findings,
                         const std::vector<std::string>& fail_on) {
  AuditReport report;
  for (const AuditFinding& finding : findings) {
    const bool ends =
        std::find(fail_on.begin(), fail_on.end(), finding.rule->name) != fail_on.end();
    report.rows.push_back({finding, verdict_of(finding, fail_on), ends});
  }
  return report;
}

// One that ended its run has found something, too.
std::optional<AuditReport> audit_report(const Experiment& experiment,
                                        const std::vector<StageResult>& results) {
  for (const StageResult& result : results) {
    if (result.id.role == StageId::Role::audit &&
        std::filesystem::exists(result.folder / "key.txt"))
      return audit_report(read_audit(result.folder), experiment.parts->audit.fail_on);
  }
  return std::nullopt;
}

std::string audit_line(const AuditReport& report) {
  return c10::str("audit: ", count_of(report, AuditVerdict::pass), " of ", report.rows.size(),
                  " rules pass", those_with(AuditVerdict::note, report),
                  those_with(AuditVerdict::fail, report), "\n");
}

std::string audit_table(const AuditReport& report) {
  std::vector<std::vector<std::string>> rows = {{"audit", "verdict", "found", "of", "what", ""}};
  for (const AuditReport::Row& row : report.rows) {
    const AuditFinding& finding = row.finding;
    rows.push_back({finding.rule->name, name_of(row.verdict), std::to_string(finding.count),
                    c10::str(finding.of, " ", finding.rule->among), finding.rule->counts,
                    finding.examples.empty() ? "" : "such as " + cell(finding.examples.front())});
  }
  return table_text(rows);
}

ordered_json audit_json(const AuditReport& report) {
  ordered_json rules = ordered_json::array();
  for (const AuditReport::Row& row : report.rows) {
    const AuditFinding& finding = row.finding;
    ordered_json shares = ordered_json::array();
    for (const AuditFinding::Share& share : finding.shares)
      shares.push_back({{"name", share.name}, {"count", share.count}, {"of", share.of}});
    rules.push_back({{"rule", finding.rule->name},
                     {"counts", finding.rule->counts},
                     {"count", finding.count},
                     {"of", finding.of},
                     {"among", finding.rule->among},
                     {"verdict", row.verdict == AuditVerdict::fail ? "fail" : name_of(row.verdict)},
                     {"ends_the_run", row.ends_the_run},
                     {"why", finding.rule->why},
                     {"mend", finding.rule->mend},
                     {"source", finding.rule->source},
                     {"examples", finding.examples},
                     {"shares", shares}});
  }
  return {{"rules", rules},
          {"pass", count_of(report, AuditVerdict::pass)},
          {"note", count_of(report, AuditVerdict::note)},
          {"fail", count_of(report, AuditVerdict::fail)}};
}

}  // namespace tsrec::host
