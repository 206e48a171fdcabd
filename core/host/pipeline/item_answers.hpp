// Which tasks must answer with an item: known before anything runs.
#pragma once

#include "pipeline/parts.hpp"

namespace tsrec::host {

// Complains about a task that answers otherwise where the decoder looks for items: in [evaluate],
// and in a stage whose trainer needs such answers. The parts are bound and sound; tasks that are
// asked are made for it, and not prepared.
void complain_about_answers(const Parts& parts, const RunSettings& run, const Document& document);

}  // namespace tsrec::host
