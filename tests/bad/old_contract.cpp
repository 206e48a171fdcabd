#include "bad/plain_quantizer.hpp"

namespace {
constexpr tsrec::PartInfo old_quantizer() {
  tsrec::PartInfo info = tsrec::bad::plain_quantizer("old_contract");
  info.contract = 0;
  return info;
}
}  // namespace

TSREC_PLUGIN("acme.old", "1.2.0", old_quantizer())
