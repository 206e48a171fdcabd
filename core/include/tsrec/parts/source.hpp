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
};

}  // namespace tsrec
