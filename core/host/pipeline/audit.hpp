// What may be wrong with rows, items, SIDs and prompts: rules by name, and what each of them found.
#pragma once

#include <string>
#include <vector>

#include "support/api.hpp"
#include "tsrec/artifact.hpp"

namespace tsrec::host {

struct AuditRule {
  const char* name;    // "late_rows"
  const char* counts;  // "training rows later than their user's first test row"
  const char* among;   // what is counted among: "training rows"
  const char* why;     // what it does to numbers
  const char* mend;    // what to do about it
  const char* source;  // where it is described; "" where it is plain
  bool is_wrong;       // whatever it finds is wrong; else it is a fact to know
};
// All of them, in the order of a report.
TSREC_HOST_API const std::vector<AuditRule>& audit_rules();
// Throws Error where there is none of the name.
TSREC_HOST_API const AuditRule& audit_rule(const std::string& name);
std::vector<std::string> audit_rule_names();
// Of the rules whose findings are always wrong: what [audit] fail_on is by default.
TSREC_HOST_API std::vector<std::string> always_wrong();

struct AuditFinding {
  // Of some of what was counted, such as one task.
  struct Share {
    std::string name;
    int64_t count = 0, of = 0;
  };
  const AuditRule* rule = nullptr;
  int64_t count = 0, of = 0;
  std::vector<std::string> examples = {};  // the first few
  std::vector<Share> shares = {};
};

inline constexpr int64_t kAuditExamples = 3;  // of what a finding counts, described in words

enum class AuditVerdict { pass, note, fail };
TSREC_HOST_API const char* name_of(AuditVerdict verdict);  // "pass", "note", "FAIL"
// fail: of a rule that is always wrong, or that fail_on names.
TSREC_HOST_API AuditVerdict verdict_of(const AuditFinding& finding,
                                       const std::vector<std::string>& fail_on);

// "late_rows: 3 of 90 training rows": without examples.
TSREC_HOST_API std::string short_text(const AuditFinding& finding);
// Throws DataError with a sentence for every rule of fail_on that found something.
TSREC_HOST_API void refuse_findings(const std::vector<AuditFinding>& findings,
                                    const std::vector<std::string>& fail_on);

TSREC_HOST_API void write_audit(const std::vector<AuditFinding>& findings, ArtifactWriter& out);
// A rule that this version does not know is left out.
TSREC_HOST_API std::vector<AuditFinding> read_audit(const std::filesystem::path& folder);

}  // namespace tsrec::host
