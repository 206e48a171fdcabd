// An option whose help says nothing, and a part that cannot be made.
#include "bad/plain_quantizer.hpp"

namespace {

using namespace tsrec;

struct Settings {
  int64_t codes = 8;
  void declare(Options& o) { o.add("codes", codes).range(1, 100).help("x"); }
};

class Unmakeable final : public bad::PlainQuantizer {
 public:
  Unmakeable(const Settings&, Context& context) : PlainQuantizer(NoSettings(), context) {
    throw std::runtime_error("no codebook in /opt/acme");
  }
};

}  // namespace

TSREC_PLUGIN("acme.short_help", "1.2.0",
             tsrec::part<tsrec::Quantizer, Unmakeable, Settings>("short_help", 1, "Cannot be made"))
