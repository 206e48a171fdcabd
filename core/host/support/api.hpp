// The host is a library so that tests use it as the executable does; its C++ API carries no
// promise.
#pragma once

#include "tsrec/abi.hpp"

#define TSREC_HOST_API TSREC_API
