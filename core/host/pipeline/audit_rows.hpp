// The audit's rules about rows, items and SIDs: counted over all of them, in n log n steps.
#pragma once

#include "pipeline/audit.hpp"
#include "tsrec/data.hpp"

namespace tsrec::host {

TSREC_HOST_API std::vector<AuditFinding> audit_rows(const Dataset& data);
TSREC_HOST_API std::vector<AuditFinding> audit_sids(const Dataset& data, const SidTable& sids);

}  // namespace tsrec::host
