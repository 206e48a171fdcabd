// The texts that models are asked in: those of [prompt], and behind them those that parts bring
// along.
#pragma once

#include "pipeline/parts.hpp"

namespace tsrec::host {

// What the experiment says, and of the forms that these parts bring along what it leaves unsaid.
TSREC_HOST_API PromptWording wording_of(const PromptWording& said,
                                        const std::vector<PartChoice>& parts);
// The same with all parts that may write prompts.
TSREC_HOST_API PromptWording wording_of(const Parts& parts);
// Complains where two parts bring different texts along and the experiment does not decide.
TSREC_HOST_API void check_wordings(const Parts& parts, const Document& document);

}  // namespace tsrec::host
