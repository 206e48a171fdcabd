// Built for another tsrec: an older LibTorch, another SDK.
#include "bad/facts.hpp"

TSREC_BAD_FACTS("GNU-12;c++20;cxx11=1;torch=2.7.1;cuda=cpu;sdk=d56b96273892;debug=0;san=none")
