#include "tsrec/parts/quantizer.hpp"

struct Settings {
  tsrec::PartSlot<tsrec::Quantizer> of;
  void declare(tsrec::Options& o) { o.add("of", of).help("what it hands everything on to"); }
};
