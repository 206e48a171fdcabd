// What a page shows of every run: its numbers, what they were tested for, its curves, what it cost,
// and what it was made from. A function for each key of the run's JSON.
#pragma once

#include "report/page/sections.hpp"

namespace tsrec::host {

const char* name_of(Better better);  // "higher", "lower", "unknown"

// As numbers.json has them.
nlohmann::ordered_json numbers_section(const PageRun& run);
// [{"name", "is_model", "from"}] with the names of all numbers and which way each is better.
nlohmann::ordered_json columns_section(const PageRun& run);
// [{"after", "before", "numbers": [{"name", "better", "rows"} and what json_of(TestedNumber)
// has]}]: every model against the one that it was trained from.
nlohmann::ordered_json differences_section(const PageRun& run);
// [curve_json()].
nlohmann::ordered_json curves_section(const PageRun& run);
// As work.json has it, with the seconds of stages that were stored before.
nlohmann::ordered_json cost_section(const PageRun& run);
// [{"name", "state", "key", "digest", "key_text"}].
nlohmann::ordered_json stages_section(const PageRun& run);
// As audit_json() writes it; null where no audit was made.
nlohmann::ordered_json audit_section(const PageRun& run);
// What the run wrote down of machine and program (environment.json); null where it did not.
nlohmann::ordered_json environment_section(const PageRun& run);
// The resolved TOML.
nlohmann::ordered_json document_section(const PageRun& run);

}  // namespace tsrec::host
