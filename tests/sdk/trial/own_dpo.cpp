#include "own_dpo.hpp"

TSREC_PLUGIN("example.own_dpo", "0.1.0",
             tsrec::part<tsrec::Trainer, tsrec::example::OwnDpo, tsrec::example::OwnDpoSettings>(
                 "own_dpo", 1, "Prefers the target"))
