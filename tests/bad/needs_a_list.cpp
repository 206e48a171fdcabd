#include "bad/plain_quantizer.hpp"

namespace {
constexpr tsrec::PartInfo that_needs_a_list() {
  tsrec::PartInfo info = tsrec::bad::plain_quantizer("needs_a_list");
  info.needs = "metric";
  return info;
}
}  // namespace

TSREC_PLUGIN("acme.needs", "1.2.0", that_needs_a_list())
