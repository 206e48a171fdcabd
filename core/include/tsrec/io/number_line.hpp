// A number of a run as a line of JSON, as curve files and the tracker jsonl hold it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tsrec/abi.hpp"

namespace tsrec::io {

// {"stage":"stage.sft","name":"train.loss","step":5,"value":4.25} and a line feed; null stands for
// a value that is not finite.
TSREC_API std::string number_line(std::string_view stage, std::string_view name, double value,
                                  int64_t step);

}  // namespace tsrec::io
