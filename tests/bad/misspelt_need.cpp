#include "bad/plain_quantizer.hpp"

namespace {
constexpr tsrec::PartInfo with_misspelt_need() {
  tsrec::PartInfo info = tsrec::bad::plain_quantizer("misspelt_need");
  info.needs = "encodr";
  return info;
}
}  // namespace

TSREC_PLUGIN("acme.needs", "1.2.0", with_misspelt_need())
