// A report as one file of HTML: no network, no folder beside it.
#pragma once

#include "report/matrix_report.hpp"
#include "report/page/sections.hpp"

namespace tsrec::host {

struct ReportDocument {
  std::string title;
  std::vector<nlohmann::ordered_json> runs;  // page_run_json() of each
  nlohmann::ordered_json comparison = {};    // page_comparison_json(), or null
  nlohmann::ordered_json tuning = {};        // tuning_json_of(), or null
};

// One run: its name, cell and seed, and what every section has to show of it; while it is at work,
// what waits for its end is left out. Throws Interrupted between two sections where a stop is asked
// for.
TSREC_HOST_API nlohmann::ordered_json page_run_json(const PageRun& run, bool is_at_work = false);

// {"version": 1, "title", "runs": [...], "key_texts": {key of a stage: text}, "comparison": {...}
// or null, "tuning": {...} or null}: what the page's scripts read. An audit, map, tree or usage
// that an earlier run has as well is {"as_in_run": its place}. All of it is ASCII without "<", so
// that it can stand in a page whatever titles say.
TSREC_HOST_API std::string page_json(const ReportDocument& document);
TSREC_HOST_API std::string report_page(const ReportDocument& document);
// The same page without a document, which waits for events beside it: "document" with a
// page_json(), "live" with a live_json().
TSREC_HOST_API std::string watch_page(const std::string& title);

}  // namespace tsrec::host
