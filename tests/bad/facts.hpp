// The facts line of this tsrec, for plugins that write their entry by hand.
#pragma once

#include "tsrec/abi.hpp"

#define TSREC_BAD_FACTS(facts) \
  extern "C" TSREC_API __attribute__((used)) const char tsrec_facts[] = TSREC_FACTS_MAGIC facts;
