// What `tsrec report` makes for a paper, beside its page: tables as text and figures as files.
#pragma once

#include "commands/commands.hpp"
#include "commands/reported.hpp"

namespace tsrec::host {

// Whether a flag asks for one of these; where none does, the page is what is wanted.
bool asks_for_files(const Arguments& arguments);
// Of a comparison's or a tuning's cells what they have together, of runs that were named what each
// has as well. Tables that are given no file go to standard output. Throws ConfigError where there
// is nothing to tell yet.
void write_report_files(const Arguments& arguments, const Reported& reported, const Store& store);

}  // namespace tsrec::host
