#include "bad/plain_quantizer.hpp"

namespace {
constexpr tsrec::PartInfo of_unknown_kind() {
  tsrec::PartInfo info = tsrec::bad::plain_quantizer("unknown_kind");
  info.kind = "quantiser";
  return info;
}
}  // namespace

TSREC_PLUGIN("acme.kinds", "1.2.0", of_unknown_kind())
