// A source reads a catalogue and its users' histories, already split.
#pragma once

#include "tsrec/data.hpp"
#include "tsrec/plugin.hpp"

namespace tsrec {

class TSREC_API Source : public Part {
 public:
  static constexpr const char* kKind = "source";
  static constexpr int kContract = 1;
  ~Source() override;
  // Fixed order; every row's history is strictly before its target. Throws DataError naming file
  // and line.
  virtual Dataset load(Context& context) = 0;
  // The SIDs that come with the catalogue, for the items that load() gave, in their order; none
  // unless overridden. Asked, maybe of another object of the same options, only where the
  // experiment makes no SIDs of its own: what nobody needs is not read. Throws DataError naming
  // file and item.
  virtual std::optional<SidTable> sids(const Items& items, Context& context);
};

}  // namespace tsrec
