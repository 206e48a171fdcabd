// What the audit of a run's data found, as a value, and its renderers.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "pipeline/audit.hpp"
#include "pipeline/pipeline.hpp"

namespace tsrec::host {

struct AuditReport {
  struct Row {
    AuditFinding finding;
    AuditVerdict verdict = AuditVerdict::pass;
    bool ends_the_run = false;  // fail_on names the rule
  };
  std::vector<Row> rows;
};

TSREC_HOST_API AuditReport audit_report(const std::vector<AuditFinding>& findings,
                                        const std::vector<std::string>& fail_on);
// None where the audit was not made.
std::optional<AuditReport> audit_report(const Experiment& experiment,
                                        const std::vector<StageResult>& results);

// "audit: 14 of 18 rules pass; note: repeats: 215 of 4533 test rows; FAIL: ...": one line.
TSREC_HOST_API std::string audit_line(const AuditReport& report);
// A row for each rule, with examples.
TSREC_HOST_API std::string audit_table(const AuditReport& report);
// {"rules": [{"rule", "counts", "count", "of", "among", "verdict": "pass" | "note" | "fail",
// "ends_the_run", "why", "mend", "source", "examples": [], "shares": [{"name", "count", "of"}]}],
// "pass", "note", "fail"}: the last three are numbers of rules.
TSREC_HOST_API nlohmann::ordered_json audit_json(const AuditReport& report);

}  // namespace tsrec::host
