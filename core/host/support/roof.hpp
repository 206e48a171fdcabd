// What the machine can do, beside which a stage's work is set.
#pragma once

#include "support/api.hpp"
#include "tsrec/error.hpp"

namespace tsrec::host {

// FLOP/s of multiply-adds in the processor's registers with the threads in use: the best of an
// eighth of a second. 0 where it has no instruction for this precision.
TSREC_HOST_API double measured_arithmetic(torch::ScalarType precision);

// FLOP/s that this device reaches in this precision, with the threads in use. On a processor the
// largest of measured_arithmetic() and a large product by LibTorch (float32: MKL) and by oneDNN
// with a packed weight, so that a slow library makes no share of it look high; on a GPU the best
// large product. Half a second at most, where the precision is not emulated.
TSREC_HOST_API double measured_roof(torch::ScalarType precision, torch::Device device);

}  // namespace tsrec::host
