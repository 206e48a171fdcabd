#include "dpo.hpp"

TSREC_PLUGIN("example.dpo", "0.1.0",
             tsrec::part<tsrec::Trainer, tsrec::example::Dpo, tsrec::example::DpoSettings>(
                 "dpo", 1, "Prefers the target"))
