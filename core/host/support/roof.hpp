// What the machine can do, beside which a stage's work is set.
#pragma once

#include "support/api.hpp"
#include "tsrec/error.hpp"

namespace tsrec::host {

// FLOP/s of a large matrix product in this precision, on this device, with the threads in use: the
// best of a quarter of a second.
TSREC_HOST_API double measured_roof(torch::ScalarType precision, torch::Device device);

}  // namespace tsrec::host
