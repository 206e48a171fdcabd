#include <iostream>

#include "commands/commands.hpp"
#include "commands/experiment_data.hpp"
#include "commands/open.hpp"
#include "pipeline/audit_rows.hpp"
#include "pipeline/parts.hpp"
#include "pipeline/run_context.hpp"
#include "pipeline/runner.hpp"
#include "report/audit_report.hpp"
#include "report/data_report.hpp"
#include "tsrec/parts/source.hpp"

namespace tsrec::host {
namespace {

// Those that come with the source, where the experiment needs them.
std::optional<SidTable> sids_of(const Parts& parts, const Items& items, Context& context) {
  if (parts.quantizer || !parts.backbone) return std::nullopt;
  return parts.source.make<Source>(context)->sids(items, context);
}

}  // namespace

int command_data(const Arguments& arguments) {
  const Opened opened = open_experiment(arguments, named_experiment(arguments));
  watch_endings();
  const Experiment& experiment = opened.experiment;
  const Parts& parts = *experiment.parts;
  const Stage& load = experiment.stages.front();
  RunContext context(settings_of(load, experiment.run), load.id.text(), /*curve=*/"");
  const Dataset data = experiment_data(experiment, Store(arguments.store), context);
  const std::optional<SidTable> sids = sids_of(parts, data.items, context);
  std::vector<AuditFinding> findings = audit_rows(data);
  if (sids) {
    const std::vector<AuditFinding> more = audit_sids(data, *sids);
    findings.insert(findings.end(), more.begin(), more.end());
  }
  std::cout << parts.source.described() << ": " << text_of(data_report(data, sids)) << "\n"
            << audit_table(audit_report(findings, parts.audit.fail_on));
  return kFine;
}

}  // namespace tsrec::host
