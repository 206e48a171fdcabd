// Brings a wording along by a method of the object: nobody could ask for it before it is made.
#include "bad/plain_quantizer.hpp"

namespace {

class Asks final : public tsrec::bad::PlainQuantizer {
 public:
  using PlainQuantizer::PlainQuantizer;
  tsrec::Wordings wordings() const { return {}; }
};

}  // namespace

TSREC_PLUGIN("acme.asks", "1.0.0",
             tsrec::part<tsrec::Quantizer, Asks, tsrec::NoSettings>("asks", 1, "Not static"))
